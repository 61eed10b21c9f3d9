//! The only SQL: journal, usage and facts on SQLite and PostgreSQL.
