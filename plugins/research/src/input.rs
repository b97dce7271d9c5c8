//! What is asked.

use serde::Deserialize;

use crate::{Trouble, address::Address, text};

const MOST_SOURCES: usize = 20;
const MOST_RESULTS: usize = 50;
const LONGEST_QUERY: usize = 500;
const LONGEST_NAME: usize = 200;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Asked {
    query: String,
    #[serde(default)]
    sources: Vec<String>,
    #[serde(default)]
    documents: Vec<Document>,
    #[serde(default = "some")]
    max_results: usize,
}

/// A page that is handed in instead of being fetched.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Document {
    pub(crate) name: String,
    pub(crate) title: Option<String>,
    pub(crate) content: String,
    pub(crate) content_type: Option<String>,
}

fn some() -> usize {
    10
}

/// A question that can be answered.
pub(crate) struct Input {
    pub(crate) query: String,
    /// Words of the query that say something, each once.
    pub(crate) words: Vec<String>,
    pub(crate) sources: Vec<Address>,
    pub(crate) documents: Vec<Document>,
    pub(crate) max_results: usize,
}

impl Input {
    /// Reads what is asked. Whatever is wrong with it is the caller's mistake.
    pub(crate) fn read(input: &str) -> Result<Self, Trouble> {
        let asked: Asked = serde_json::from_str(input)
            .map_err(|error| Trouble::new("input_invalid", format!("the input: {error}")))?;
        let words = text::telling(&asked.query);
        if words.is_empty() || asked.query.chars().count() > LONGEST_QUERY {
            let message = format!("`query` must have words, and at most {LONGEST_QUERY} characters");
            return Err(Trouble::new("query_invalid", message));
        }
        let count = asked.sources.len() + asked.documents.len();
        if count == 0 {
            return Err(Trouble::new("no_sources", "name pages in `sources`, or hand them in as `documents`"));
        }
        if count > MOST_SOURCES {
            let message = format!("{count} sources and documents are named; at most {MOST_SOURCES} are read");
            return Err(Trouble::new("too_many_sources", message));
        }
        if !(1..=MOST_RESULTS).contains(&asked.max_results) {
            return Err(Trouble::new("input_invalid", format!("`maxResults` must be 1 to {MOST_RESULTS}")));
        }
        let mut sources: Vec<_> = asked.sources.iter().map(|source| Address::read(source)).collect::<Result<_, _>>()?;
        sources.sort();
        sources.dedup();
        for (index, document) in asked.documents.iter().enumerate() {
            let is_twice = asked.documents.iter().take(index).any(|other| other.name == document.name);
            let length = document.name.chars().count();
            if is_twice || !(1..=LONGEST_NAME).contains(&length) {
                let message = format!("`documents[{index}].name` must be its own, of 1 to {LONGEST_NAME} characters");
                return Err(Trouble::new("document_invalid", message));
            }
            if let Some(sort) = &document.content_type
                && crate::outline::Form::named(sort).is_none()
            {
                let message = format!("`documents[{index}].contentType` is `{sort}`, which is not read here");
                return Err(Trouble::new("document_invalid", message));
            }
        }
        let Asked { query, documents, max_results, .. } = asked;
        Ok(Self { query, words, sources, documents, max_results })
    }
}
