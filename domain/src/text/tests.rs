use super::*;

fn problem(result: Result<(), Invalid>) -> Option<String> {
    result.err().map(|invalid| {
        assert_eq!(invalid.field, "title");
        invalid.problem
    })
}

#[test]
fn a_line_has_some_characters_but_no_control_characters() {
    let line = |text| problem(line("title", text, 5));
    assert_eq!(line("héllo"), None);
    assert_eq!(line(" a "), None);
    for blank in ["", "   ", "\u{3000}"] {
        assert_eq!(line(blank).as_deref(), Some("must not be blank"));
    }
    assert_eq!(line("sixsix").as_deref(), Some("must have at most 5 characters"));
    for refused in ["a\0", "a\nb", "a\tb", "a\u{7f}", "a\u{85}b"] {
        assert_eq!(line(refused).as_deref(), Some("must not contain control characters"));
    }
}

#[test]
fn a_body_may_have_line_breaks_and_tabs() {
    let body = |text| problem(body("title", text, 10));
    assert_eq!(body("a\n\tb\r\nc"), None);
    assert_eq!(body("a\0").as_deref(), Some("must not contain control characters"));
    assert_eq!(body("\n\t").as_deref(), Some("must not be blank"));
}

#[test]
fn what_nobody_sees_is_no_text() {
    let body = |text: &str| problem(body("title", text, 10));
    let unseen = [
        "\u{200b}",
        "\u{200d}\u{feff}",
        " \u{ad}\n",
        "\u{2060}",
        "\u{202e}",
        "\u{3164}",
        "\u{115f}",
        "\u{ffa0}",
        "\u{fe0f}",
        "\u{34f}",
        "\u{180e}",
        "\u{17b4}",
        "\u{e0041}",
        "\u{e0100}",
        "\u{1d173}",
        "\u{fff9}",
        "\u{600}",
        "\u{13430}",
        "\u{2800}",
    ];
    for text in unseen {
        assert_eq!(body(text).as_deref(), Some("must not be blank"), "{text:?}");
        assert_eq!(body(&format!("{text}.")), None, "beside what can be seen they may be needed: {text:?}");
    }
    for text in ["👩\u{200d}🔬", "נ", "ก", "한", "語", "¶", "\u{301}", "-"] {
        assert_eq!(body(text), None, "{text:?}");
    }
}

#[test]
fn all_problems_are_said_at_once() {
    let mut problems = Problems::default();
    problems.line("title", "", 5);
    problems.body("body", "fine", 5);
    problems.add("rating", "must be 1 to 5");
    assert_eq!(problems.keep(Ok(7)), Some(7));
    assert_eq!(
        problems.keep::<u8>(Err(Invalid { field: "name".to_owned(), problem: "is taken".to_owned() }.into())),
        None
    );
    let error = problems.finish(()).unwrap_err();
    assert_eq!(error.to_string(), "title: must not be blank; rating: must be 1 to 5; name: is taken");
    assert_eq!(Problems::default().finish(3), Ok(3));
}
