//! Texts that people send: how long they may be and which characters they may hold.

use crate::listing::{Invalid, InvalidFields};

/// Checks a text of one line: at least one character that can be seen, at most `max` characters, no control characters, so
/// neither NUL nor line breaks. Nothing is trimmed.
///
/// # Errors
/// What is wrong with `field`.
pub fn line(field: &str, text: &str, max: usize) -> Result<(), Invalid> {
    check(field, text, max, char::is_control)
}

/// Checks a text of any number of lines: as [`line()`], but with line breaks and tabs.
///
/// # Errors
/// What is wrong with `field`.
pub fn body(field: &str, text: &str, max: usize) -> Result<(), Invalid> {
    check(field, text, max, |c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
}

fn check(field: &str, text: &str, max: usize, refused: impl Fn(char) -> bool) -> Result<(), Invalid> {
    let problem = if !text.chars().any(is_visible) {
        "must not be blank".to_owned()
    } else if text.chars().count() > max {
        format!("must have at most {max} characters")
    } else if text.chars().any(refused) {
        "must not contain control characters".to_owned()
    } else {
        return Ok(());
    };
    Err(Invalid { field: field.to_owned(), problem })
}

/// Whether a reader sees anything of `c`: neither white space nor control, nor what Unicode 16 has as `Default_Ignorable_Code_Point`
/// or in the category of format characters, nor the pattern of Braille without a dot.
fn is_visible(c: char) -> bool {
    let is_ignorable = matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}');
    let is_format = matches!(c,
        '\u{600}'..='\u{605}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}' | '\u{8e2}' | '\u{fff9}'..='\u{fffb}'
        | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}');
    !(c.is_whitespace() || c.is_control() || is_ignorable || is_format || c == '\u{2800}')
}

/// Collects what is wrong with the fields of one request, so that all of it is said at once.
#[derive(Debug, Default)]
pub struct Problems(Vec<Invalid>);

impl Problems {
    /// Notes that `field` was refused.
    pub fn add(&mut self, field: impl Into<String>, problem: impl Into<String>) {
        self.0.push(Invalid { field: field.into(), problem: problem.into() });
    }

    /// Notes what is wrong with a text of one line; see [`line()`].
    pub fn line(&mut self, field: &str, text: &str, max: usize) {
        self.0.extend(line(field, text, max).err());
    }

    /// Notes what is wrong with a text of any number of lines; see [`body`].
    pub fn body(&mut self, field: &str, text: &str, max: usize) {
        self.0.extend(body(field, text, max).err());
    }

    /// Notes the refused fields of a part of the request, or hands the part on.
    pub fn keep<T>(&mut self, checked: Result<T, InvalidFields>) -> Option<T> {
        match checked {
            Ok(part) => Some(part),
            Err(InvalidFields(fields)) => {
                self.0.extend(fields);
                None
            }
        }
    }

    /// `value`, unless something was noted.
    ///
    /// # Errors
    /// Everything that was noted.
    pub fn finish<T>(self, value: T) -> Result<T, InvalidFields> {
        if self.0.is_empty() { Ok(value) } else { Err(InvalidFields(self.0)) }
    }
}

#[cfg(test)]
mod tests;
