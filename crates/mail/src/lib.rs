//! Mails: their texts, made of templates, and handing them to a server through SMTP.

mod address;
mod smtp;
mod templates;

pub use self::{
    address::{Address, Security},
    smtp::{Settings, SettingsError, Smtp},
    templates::{TemplateError, Templates},
};
