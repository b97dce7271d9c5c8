//! Reads pages and says what they say about a query: a summary, passages and code, each with the place that it was taken from.
//!
//! Everything is quoted and nothing is made up. The same pages give the same answer, in whatever order they are named.

mod address;
mod answer;
mod decode;
mod fetch;
mod html;
mod input;
mod markdown;
mod outline;
mod plain;
mod rank;
mod reliability;
mod text;
mod trouble;

use self::{
    answer::Answer,
    fetch::Fetched,
    input::Input,
    outline::Page,
    trouble::{Failed, Trouble},
};

/// The component and the types of the world, as the generator makes them.
mod component {
    #![allow(missing_docs, reason = "the world's types are documented where it is")]

    wit_bindgen::generate!({ path: "../../wit", world: "plugin" });

    struct Research;

    impl Guest for Research {
        fn run(input: String) -> Result<String, Failure> {
            let input = super::Input::read(&input).map_err(|trouble| Failure {
                code: "invalid_input".to_owned(),
                message: format!("{}: {}", trouble.reason, trouble.message),
            })?;
            super::answer(&input)
                .map_err(|trouble| Failure { code: trouble.reason.to_owned(), message: trouble.message })
        }
    }

    export!(Research);
}

fn answer(input: &Input) -> Result<String, Trouble> {
    let mut pages = Vec::new();
    let mut failed = Vec::new();
    for (source, fetched) in fetch::all(&input.sources) {
        match fetched.and_then(|fetched| page_of(source.as_str(), fetched)) {
            Ok(page) => pages.push(page),
            Err(trouble) => failed.push(Failed::new(source.as_str(), trouble)),
        }
    }
    for document in &input.documents {
        pages.push(Page::of_document(document));
    }
    let asked = input.sources.len() + input.documents.len();
    let answer = Answer::of(input, pages, failed, asked);
    serde_json::to_string(&answer).map_err(|error| Trouble::new("answer_invalid", error.to_string()))
}

fn page_of(requested: &str, fetched: Fetched) -> Result<Page, Trouble> {
    let form = outline::Form::of(fetched.content_type.as_deref(), &fetched.url, &fetched.body)?;
    let text = decode::text(&fetched.body, fetched.content_type.as_deref(), form == outline::Form::Html)?;
    Ok(Page::fetched(requested, fetched.url, form, &text))
}
