//! The nouns: message, submission, address, receipt, disposition, cause, capabilities.
