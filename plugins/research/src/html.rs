//! HTML. The tokenizer follows the standard, so that nothing is too malformed for it; of the tree only blocks matter here.

use html5gum::{DefaultEmitter, HtmlString, Spanned, StartTag, Token, Tokenizer};

use crate::outline::Outline;

/// Elements that are no text.
const NO_TEXT: [&str; 10] =
    ["script", "style", "template", "noscript", "svg", "math", "select", "button", "iframe", "object"];
/// Elements around the text of a page.
const AROUND: [&str; 3] = ["nav", "footer", "aside"];
const BLOCKS: [&str; 36] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "caption",
    "dd",
    "details",
    "dialog",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "head",
    "header",
    "hr",
    "html",
    "li",
    "main",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "summary",
    "table",
    "tbody",
    "td",
    "th",
    "tr",
    "ul",
    "option",
];

pub(crate) fn read(page: &str) -> Outline {
    let (outline, ended) = with(page, true);
    // An element that is never closed must not take the rest of the page with it.
    if ended { outline } else { with(page, false).0 }
}

fn with(page: &str, leaves_out: bool) -> (Outline, bool) {
    let mut emitter = DefaultEmitter::<()>::default();
    emitter.naively_switch_states(true);
    let mut reader = Reader { leaves_out, ..Reader::default() };
    for token in Tokenizer::new_with_emitter(page, emitter) {
        let Ok(token) = token;
        match token {
            Token::StartTag(tag) => reader.start(&tag),
            Token::EndTag(tag) => reader.end(&lossy(&tag.name)),
            Token::String(text) => reader.text(&lossy(&text.value)),
            Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
        }
    }
    let ended = reader.skipped.is_none();
    reader.flush();
    (reader.outline, ended)
}

fn lossy(text: &HtmlString) -> String {
    String::from_utf8_lossy(text).into_owned()
}

#[derive(Default)]
struct Reader {
    outline: Outline,
    /// Whether what is around the text is left out.
    leaves_out: bool,
    /// The element that is left out at present, and how often it is within itself.
    skipped: Option<(String, usize)>,
    text: String,
    in_title: bool,
    /// The id of the heading that is open.
    heading: Option<Option<String>>,
    /// The id of the last section, until its heading comes.
    section: Option<String>,
    code: Option<Code>,
}

#[derive(Default)]
struct Code {
    language: Option<String>,
}

impl Reader {
    fn start(&mut self, tag: &StartTag<()>) {
        let name = lossy(&tag.name);
        if let Some((skipped, depth)) = &mut self.skipped {
            *depth += usize::from(*skipped == name && !tag.self_closing);
            return;
        }
        let is_left_out = NO_TEXT.contains(&name.as_str()) || self.leaves_out && AROUND.contains(&name.as_str());
        if is_left_out {
            self.flush();
            if !tag.self_closing {
                self.skipped = Some((name, 1));
            }
            return;
        }
        let id = attribute(tag, "id").or_else(|| attribute(tag, "name").filter(|_| name == "a"));
        match name.as_str() {
            "title" => {
                self.flush();
                self.in_title = true;
            }
            "pre" => {
                self.flush();
                self.code = Some(Code { language: language(tag) });
            }
            "br" => self.text.push(if self.code.is_some() { '\n' } else { ' ' }),
            _ if is_heading(&name) => {
                self.flush();
                self.heading = Some(id.or(self.section.take()));
            }
            _ if BLOCKS.contains(&name.as_str()) => {
                self.flush();
                if matches!(name.as_str(), "section" | "article" | "div") && id.is_some() {
                    self.section = id;
                }
            }
            _ => self.inline(tag, id),
        }
    }

    /// An element within a line may say the id of its heading or the language of its code.
    fn inline(&mut self, tag: &StartTag<()>, id: Option<String>) {
        if let Some(anchor) = &mut self.heading
            && anchor.is_none()
        {
            *anchor = id;
        } else if id.is_some() && self.text.trim().is_empty() && self.code.is_none() {
            self.section = id;
        }
        if let Some(code) = &mut self.code
            && code.language.is_none()
        {
            code.language = language(tag);
        }
    }

    fn end(&mut self, name: &str) {
        if let Some((skipped, depth)) = &mut self.skipped {
            if skipped == name {
                *depth -= 1;
                if *depth == 0 {
                    self.skipped = None;
                }
            }
        } else if name == "title" && self.in_title {
            let title = crate::text::one_line(&std::mem::take(&mut self.text));
            self.in_title = false;
            if !title.is_empty() {
                self.outline.title.get_or_insert(title);
            }
        } else if is_heading(name) || BLOCKS.contains(&name) {
            self.flush();
        }
    }

    fn text(&mut self, text: &str) {
        if self.skipped.is_none() {
            self.text.push_str(text);
        }
    }

    /// Ends what is open, whether it was closed or not.
    fn flush(&mut self) {
        let text = std::mem::take(&mut self.text);
        self.in_title = false;
        if let Some(code) = self.code.take() {
            self.outline.code(code.language, &text);
        } else if let Some(anchor) = self.heading.take() {
            self.outline.heading(&text, anchor);
        } else {
            self.outline.text(&text);
        }
    }
}

fn is_heading(name: &str) -> bool {
    matches!(name, "h1" | "h2" | "h3" | "h4" | "h5" | "h6")
}

fn attribute(tag: &StartTag<()>, name: &str) -> Option<String> {
    let value: Option<&Spanned<HtmlString, ()>> = tag.attributes.get(name.as_bytes());
    value.map(|value| lossy(&value.value)).filter(|value| !value.trim().is_empty())
}

/// `class="language-rust"`, as pages write it.
fn language(tag: &StartTag<()>) -> Option<String> {
    let classes = attribute(tag, "class")?;
    classes.split_whitespace().find_map(|class| {
        ["language-", "lang-", "highlight-source-"]
            .iter()
            .find_map(|prefix| class.strip_prefix(prefix))
            .map(str::to_owned)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outline::Content;

    fn shown(page: &str) -> Vec<String> {
        let block = |block: crate::outline::Block| {
            let at = format!("{}#{}", block.heading.unwrap_or_default(), block.anchor.unwrap_or_default());
            match block.content {
                Content::Text(text) => format!("{at} {text}"),
                Content::Code { language, code } => format!("{at} {language:?} {code:?}"),
            }
        };
        read(page).blocks.into_iter().map(block).collect()
    }

    #[test]
    fn blocks_and_their_places_are_found() {
        let page = "<title>T &amp; U</title><nav>menu</nav><h1 id=top>Top</h1><p>One <b>bold</b>\n line.<p>Two<br>three
            <section id=s><h2>Sec <a href=#s>¶</a></h2><ul><li>x<li>y</ul><pre><code class='a language-Rust'>\nlet a = &lt;b&gt;;\n  c();</code></pre></section>
            <script>var a = '<p>no</p>'</script><style>p{}</style>end";
        assert_eq!(
            shown(page),
            [
                "Top#top One bold line.",
                "Top#top Two three",
                "Sec#s x",
                "Sec#s y",
                "Sec#s Some(\"rust\") \"let a = <b>;\\n  c();\"",
                "Sec#s end"
            ]
        );
        assert_eq!(read(page).title.as_deref(), Some("T & U"));
    }

    #[test]
    fn what_is_malformed_is_read_all_the_same() {
        for (page, expected) in [
            ("<p>a<div>b</p></div></span>c", vec!["# a", "# b", "# c"]),
            ("<nav>menu <p>text", vec!["# menu", "# text"]),
            ("<h2>head<p>text</h2>", vec!["head# text"]),
            ("a <b", vec!["# a"]),
            ("<pre>code", vec!["# None \"code\""]),
            ("<!-- <p>no</p> --><p>&nbsp;yes&#0;", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(shown(page), expected, "{page}");
        }
    }
}
