//! JSON whose bytes depend on nothing but what it says.

use serde_json::Value;

/// `value` without blanks and with the members of objects sorted by their names' UTF-16 code units, as RFC 8785 has it. Texts
/// are escaped as RFC 8785 has it too; numbers are written the shortest way that reads back the same, in which floats
/// that are whole keep their `.0`. A release record has no float, so its bytes are exactly those of RFC 8785.
#[must_use]
pub fn canonical(value: &Value) -> Vec<u8> {
    let mut text = String::new();
    write(value, &mut text);
    text.into_bytes()
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write(item, text);
            }
            text.push(']');
        }
        Value::Object(fields) => {
            let mut sorted: Vec<_> = fields.iter().collect();
            sorted.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            text.push('{');
            for (index, (name, value)) in sorted.into_iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                text.push_str(&Value::String(name.clone()).to_string());
                text.push(':');
                write(value, text);
            }
            text.push('}');
        }
        scalar => text.push_str(&scalar.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_are_sorted_and_nothing_is_blank() {
        let value = json!({"b": [1, {"z": null, "a": true}], "a": "é\n\"\u{7}", "": -2.5});
        assert_eq!(
            canonical(&value),
            "{\"\":-2.5,\"a\":\"é\\n\\\"\\u0007\",\"b\":[1,{\"a\":true,\"z\":null}]}".as_bytes()
        );
    }

    #[test]
    fn names_sort_as_rfc_8785_sorts_them() {
        // The example of RFC 8785, section 3.2.3: a pair of surrogates stands before U+FB33.
        let value = json!({"\u{20ac}": 1, "\r": 2, "\u{fb33}": 3, "1": 4, "\u{1f600}": 5, "\u{80}": 6, "\u{f6}": 7});
        let text = String::from_utf8(canonical(&value)).unwrap();
        let order: Vec<_> = text.chars().filter(char::is_ascii_digit).collect();
        assert_eq!(order.iter().collect::<String>(), "2146".to_owned() + "7153", "{text}");
    }
}
