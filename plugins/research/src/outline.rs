//! What a page consists of, whatever its form.

use crate::{Trouble, html, input::Document, markdown, plain, text};

/// Blocks of one page that are looked at; the rest of a page of more is left out.
const MOST_BLOCKS: usize = 20_000;

/// In which form a page is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Html,
    Markdown,
    Json,
    Plain,
}

impl Form {
    /// The form of a page, by what the server says of it, else by how it begins.
    pub(crate) fn of(content_type: Option<&str>, url: &str, body: &[u8]) -> Result<Self, Trouble> {
        let path = url.split('?').next().unwrap_or(url).to_ascii_lowercase();
        let is_markdown = [".md", ".markdown"].iter().any(|end| path.ends_with(end));
        match content_type.filter(|named| !named.trim().is_empty()) {
            Some(named) => match Self::named(named) {
                Some(Self::Plain) if is_markdown => Ok(Self::Markdown),
                Some(form) => Ok(form),
                None => Err(Trouble::new("unsupported_type", format!("it is `{named}`, which is not read here"))),
            },
            None if is_markdown => Ok(Self::Markdown),
            None => {
                let beginning = String::from_utf8_lossy(body.get(..256).unwrap_or(body)).to_ascii_lowercase();
                let is_html = ["<!doctype html", "<html", "<head", "<body"].iter().any(|tag| beginning.contains(tag));
                Ok(if is_html { Self::Html } else { Self::Plain })
            }
        }
    }

    /// The form that a media type names; none when it is not read here.
    pub(crate) fn named(content_type: &str) -> Option<Self> {
        let sort = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        Some(match sort.as_str() {
            "text/html" | "application/xhtml+xml" => Self::Html,
            "text/markdown" | "text/x-markdown" => Self::Markdown,
            "application/json" => Self::Json,
            _ if sort.ends_with("+json") => Self::Json,
            "application/xml" | "text/xml" | "text/css" | "text/javascript" => return None,
            _ if sort.starts_with("text/") => Self::Plain,
            _ => return None,
        })
    }
}

/// Where a page is from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    /// The address that it was fetched from, after redirects.
    Url(String),
    /// The name of a document that was handed in.
    Document(String),
}

impl Origin {
    pub(crate) fn url(&self) -> Option<&str> {
        match self {
            Self::Url(url) => Some(url),
            Self::Document(_) => None,
        }
    }

    pub(crate) fn document(&self) -> Option<&str> {
        match self {
            Self::Url(_) => None,
            Self::Document(name) => Some(name),
        }
    }
}

/// A page that was read.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) origin: Origin,
    /// The address that was asked for.
    pub(crate) requested: Option<String>,
    pub(crate) title: Option<String>,
    pub(crate) blocks: Vec<Block>,
}

/// A paragraph or a piece of code, and under which heading it stands.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) heading: Option<String>,
    /// The id of that heading in the page.
    pub(crate) anchor: Option<String>,
    pub(crate) content: Content,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// One line.
    Text(String),
    Code {
        language: Option<String>,
        code: String,
    },
}

impl Page {
    pub(crate) fn fetched(requested: &str, url: String, form: Form, text: &str) -> Self {
        let outline = Outline::read(form, text);
        Self {
            origin: Origin::Url(url),
            requested: Some(requested.to_owned()),
            title: outline.title,
            blocks: outline.blocks,
        }
    }

    pub(crate) fn of_document(document: &Document) -> Self {
        let form = document.content_type.as_deref().and_then(Form::named).unwrap_or(Form::Plain);
        let outline = Outline::read(form, &document.content);
        Self {
            origin: Origin::Document(document.name.clone()),
            requested: None,
            title: document.title.clone().or(outline.title),
            blocks: outline.blocks,
        }
    }
}

/// What the readers of the forms fill.
#[derive(Debug, Default)]
pub(crate) struct Outline {
    pub(crate) title: Option<String>,
    heading: Option<String>,
    anchor: Option<String>,
    pub(crate) blocks: Vec<Block>,
}

impl Outline {
    fn read(form: Form, text: &str) -> Self {
        match form {
            Form::Html => html::read(text),
            Form::Markdown => markdown::read(text),
            Form::Json => plain::json(text),
            Form::Plain => plain::read(text),
        }
    }

    /// A heading begins; it is the page's title where there is no other.
    pub(crate) fn heading(&mut self, text: &str, anchor: Option<String>) {
        let text = text::one_line(text).trim_end_matches(['¶', '#', ' ']).to_owned();
        if text.is_empty() {
            return;
        }
        self.title.get_or_insert_with(|| text.clone());
        self.heading = Some(text);
        self.anchor = anchor;
    }

    /// A paragraph; what could not be decoded is no quotation.
    pub(crate) fn text(&mut self, text: &str) {
        let text = text::one_line(text);
        if !text.is_empty() && !text.contains('\u{fffd}') {
            self.add(Content::Text(text));
        }
    }

    pub(crate) fn code(&mut self, language: Option<String>, code: &str) {
        let code = code.trim_matches(['\n', '\r']).trim_end();
        if !code.trim().is_empty() && !code.contains('\u{fffd}') {
            let language = language.map(|language| language.to_lowercase());
            self.add(Content::Code { language, code: code.to_owned() });
        }
    }

    fn add(&mut self, content: Content) {
        if self.blocks.len() < MOST_BLOCKS {
            let (heading, anchor) = (self.heading.clone(), self.anchor.clone());
            self.blocks.push(Block { heading, anchor, content });
        }
    }
}
