//! One folder per messenger.
