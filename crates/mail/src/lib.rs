//! E-mail.
