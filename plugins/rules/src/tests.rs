use serde_json::json;

use super::*;

fn run(rules: Value, input: Value) -> Result<Value, String> {
    let read = Rules::read(&rules).map_err(|failure| failure.message)?;
    read.run(&input).map_err(|failure| failure.code)
}

fn made(output: Value, input: Value) -> Result<Value, String> {
    run(json!({ "output": output }), input)
}

#[test]
fn what_is_no_operation_stands_for_itself() {
    for value in [json!(null), json!(1.5), json!("{{ name }} {{"), json!({"a": [true, {"b": "c"}]})] {
        assert_eq!(made(value.clone(), json!({})), Ok(value));
    }
}

#[test]
fn places_are_filled_in() {
    let input = json!({"who": "Ann", "n": 3, "a/b": ["x", {"y": "{{/who}}"}]});
    assert_eq!(made(json!("Dear {{/who}}, {{/n}} × {{/a~1b/0}}"), input.clone()), Ok(json!("Dear Ann, 3 × x")));
    assert_eq!(
        made(json!("{{/a~1b/1/y}}"), input.clone()),
        Ok(json!("{{/who}}")),
        "what is filled in is not filled in again"
    );
    assert_eq!(made(json!("{{}}"), json!("all")), Ok(json!("all")));
    assert_eq!(made(json!("{{/gone}}"), input), Err("value_missing".into()));
    assert!(made(json!("{{/who"), json!({})).unwrap_err().contains("/output: "));
}

#[test]
fn operations_do_what_the_table_says() {
    let input = json!({"items": [{"n": 1}, {"n": 2}], "unit": "kg", "none": []});
    for (output, expected) in [
        (json!({"$get": "/items/0"}), json!({"n": 1})),
        (json!({"$get": "/gone", "default": "{{/unit}}"}), json!("kg")),
        (
            json!({"$each": {"$get": "/items"}, "do": {"v": {"$get": "/n"}, "u": {"$input": "/unit"}}}),
            json!([{"v": 1, "u": "kg"}, {"v": 2, "u": "kg"}]),
        ),
        (json!({"$join": {"$each": {"$get": "/items"}, "do": "{{/n}}"}, "with": "+"}), json!("1+2")),
        (json!({"$count": {"$get": "/items"}}), json!(2)),
        (json!({"$if": {"$get": "/none"}, "then": 1, "else": 2}), json!(2)),
        (json!({"$if": {"$equal": [{"$get": "/unit"}, "kg"]}, "then": 1}), json!(1)),
        (json!({"$not": {"$get": "/gone", "default": null}}), json!(true)),
        (json!({"$literal": {"$get": "/unit", "t": "{{/unit}}"}}), json!({"$get": "/unit", "t": "{{/unit}}"})),
    ] {
        assert_eq!(made(output.clone(), input.clone()), Ok(expected), "{output}");
    }
    assert_eq!(made(json!({"$each": {"$get": "/unit"}, "do": 1}), input), Err("not_a_list".into()));
}

#[test]
fn what_is_required_is_asked_first() {
    let rules = json!({"output": 1, "require": [{"at": "/topic", "type": "string", "code": "topic_missing", "message": "Name a topic."}]});
    assert_eq!(run(rules.clone(), json!({"topic": "x"})), Ok(json!(1)));
    assert_eq!(run(rules.clone(), json!({"topic": 1})), Err("topic_missing".into()));
    assert_eq!(run(rules, json!([])), Err("topic_missing".into()));
}

#[test]
fn rules_that_are_none_are_refused_by_place() {
    let mut deep = json!(1);
    for _ in 0..40 {
        deep = json!([deep]);
    }
    for (rules, place) in [
        (json!([]), "the rules"),
        (json!({}), "the rules"),
        (json!({"output": 1, "x": 1}), "the rules"),
        (json!({"output": {"$shell": "ls"}}), "/output"),
        (json!({"output": [{"$get": "x"}]}), "/output/0"),
        (json!({"output": {"$get": "", "else": 1}}), "/output"),
        (json!({"output": {"$each": []}}), "/output"),
        (json!({"output": {"$equal": [1]}}), "/output"),
        (json!({"output": {"a": {"$if": 1}}}), "/output/a"),
        (json!({"output": deep}), "/output/0/0"),
        (json!({"output": 1, "require": [{"at": "/x", "code": "Bad Code", "message": "m"}]}), "/require/0"),
        (json!({"output": 1, "require": [{"at": "/x", "type": "text", "code": "c", "message": "m"}]}), "/require/0"),
    ] {
        let message = run(rules.clone(), json!({})).unwrap_err();
        assert!(message.starts_with(place), "{rules}: {message}");
    }
}

#[test]
fn what_multiplies_is_stopped() {
    let list: Vec<_> = (0..400).collect();
    let squared = json!({"$each": {"$input": "/l"}, "do": {"$each": {"$input": "/l"}, "do": {"$input": "/l"}}});
    assert_eq!(made(squared, json!({"l": list})), Err("too_large".into()));
    let text = json!({"$each": {"$input": "/l"}, "do": "{{}}{{}}"});
    assert_eq!(made(text, json!({"l": vec!["x".repeat(1_000); 200]})), Err("too_large".into()));
}
