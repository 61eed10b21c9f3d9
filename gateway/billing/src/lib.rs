//! Money and usage records, integers only.
