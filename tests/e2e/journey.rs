//! The journey that `make demo` shows.

use souk_tests::journey::{People, walk};

use crate::support::{admin, nobody, unique};

#[tokio::test(flavor = "multi_thread")]
async fn from_registration_to_refund() {
    let people = People { admin: admin().await, tag: unique("j") };
    walk(&nobody(), &people, &mut |_| {}).await.expect("the journey holds");
}
