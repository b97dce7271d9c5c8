//! Passwords, access tokens and API keys.
