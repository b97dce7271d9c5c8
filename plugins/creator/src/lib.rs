//! Makes a package out of a specification: JSON in, the files, their archive and the manifest out.
//!
//! What a package must be is asked of the crates that judge packages when they are handed in, so that there is one answer to it.

mod content;
mod markdown;
mod package;
mod problem;
mod specification;

pub use self::{problem::Problem, specification::Specification};

/// The component and the types of the world, as the generator makes them.
mod component {
    #![allow(missing_docs, reason = "the world's types are documented where it is")]

    wit_bindgen::generate!({ path: "../../wit", world: "plugin" });

    struct Creator;

    impl Guest for Creator {
        fn run(input: String) -> Result<String, Failure> {
            // Creator has nothing but the specification to go by: what is wrong is wrong with that.
            super::create(&input).map_err(|problem| Failure {
                code: "invalid_input".to_owned(),
                message: format!("{}: {}", problem.code, problem.message),
            })
        }
    }

    export!(Creator);
}

/// The package that `input`, a [`Specification`] as JSON text, describes.
///
/// # Errors
/// The first thing that is wrong with it, and what to do about it.
pub fn create(input: &str) -> Result<String, Problem> {
    let specification = Specification::read(input)?;
    package::make(&specification)
}
