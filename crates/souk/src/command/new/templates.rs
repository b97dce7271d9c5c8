//! What a new project consists of.

use souk_domain::listing::Kind;

use super::Project;
use crate::{cli::Language, import::naming};

/// A file of a project: its path, and its contents with placeholders such as `{{name}}`.
type Template = (&'static str, &'static str);

/// Files of a project, each with its path.
type Files = Vec<(&'static str, String)>;

const WIT: Template = ("wit/plugin.wit", include_str!("../../../../../wit/plugin.wit"));
const IGNORED: Template = (".gitignore", include_str!("../../../templates/gitignore"));
const SOUK_JSON: Template = ("souk.json", include_str!("../../../templates/text/souk.json"));
const README: Template = ("README.md", include_str!("../../../templates/text/README.md"));
const SKILL: &str = include_str!("../../../templates/text/SKILL.md");
const COMMAND: &str = include_str!("../../../templates/text/command.md");
const AGENT: &str = include_str!("../../../templates/text/agent.md");
const MIT: &str = include_str!("../../../templates/license/MIT.txt");
const APACHE: &str = include_str!("../../../../../LICENSE");
const GRANTED: &str = "It may compute, and read its own files in `/plugin`. Everything else (hosts, `/tmp`, `/shared`, secrets, more memory) it gets only \
                       when\n`capabilities` asks for it and the operator grants it.";

/// What an element of the catalogue of this kind is called.
pub(super) const fn what(kind: Kind) -> &'static str {
    match kind {
        Kind::Agent => "agent",
        Kind::Skill => "skill",
        Kind::Command => "command",
        Kind::Plugin => "plugin",
        Kind::McpServer => "description of an MCP server",
        Kind::Workflow => "workflow",
        Kind::Asset => "asset",
    }
}

/// The files of a project.
pub(super) fn files(project: &Project) -> Files {
    let (texts, parts) = match project.language {
        Some(language) => (component(language), built(language)),
        None => (text(project.kind), vec![SOUK_JSON, README]),
    };
    let license = match project.license.as_str() {
        "MIT" => Some(("LICENSE", MIT)),
        "Apache-2.0" => Some(("LICENSE", APACHE)),
        _ => None,
    };
    let body = body(project.kind);
    let all = parts.into_iter().chain(body).chain(license).chain([IGNORED]);
    all.map(|(path, contents)| (path, filled(project, &texts, contents))).collect()
}

/// What differs between projects, beside their names.
struct Texts {
    summary: &'static str,
    language: &'static str,
    needs: &'static str,
    source: &'static str,
    memory: &'static str,
    reach: &'static str,
    hint: &'static str,
}

fn filled(project: &Project, texts: &Texts, contents: &str) -> String {
    // A skill and an agent are named in small letters, digits and hyphens.
    let slug = naming::slug(&project.name);
    let slug: String = slug.split(['.', '_', '-']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-");
    let slug = slug.get(..64).unwrap_or(&slug).trim_end_matches('-');
    let title = naming::title(&project.name);
    let kind = match project.kind {
        Kind::McpServer => "mcp_server",
        kind => what(kind),
    };
    let mut text = contents.to_owned();
    for (place, value) in [
        ("name", project.name.as_str()),
        ("title", &title),
        ("slug", slug),
        // The skill of a bundle has the name of its folder.
        ("skill", if project.kind == Kind::Plugin { "explain-build" } else { slug }),
        ("kind", kind),
        ("what", what(project.kind)),
        ("license", &project.license),
        ("summary", texts.summary),
        ("language", texts.language),
        ("needs", texts.needs),
        ("source", texts.source),
        ("memory", texts.memory),
        ("reach", texts.reach),
        ("hint", texts.hint),
    ] {
        text = text.replace(&format!("{{{{{place}}}}}"), value);
    }
    format!("{}\n", text.trim_end())
}

fn component(language: Language) -> Texts {
    let summary = "Counts the words of a text.";
    match language {
        Language::Rust => Texts {
            summary,
            language: "Rust",
            needs: "cargo, and once `rustup target add wasm32-wasip2`",
            source: "src/lib.rs",
            memory: "64",
            reach: GRANTED,
            hint: "",
        },
        Language::Javascript => Texts {
            summary,
            language: "JavaScript",
            needs: "Node.js 18 or later with npm",
            source: "plugin.js",
            memory: "64",
            reach: GRANTED,
            hint: "\nThe engine in the component is QuickJS: the language without Node's modules. What you throw as `{code, message}` is the run's\n\
                   failure. `Math.random` yields the same numbers in every run.",
        },
        Language::Python => Texts {
            summary,
            language: "Python",
            needs: "Python 3.10 or later with pip",
            source: "plugin.py",
            memory: "128",
            reach: "It may compute, and nothing else: it is built with stubs in place of all of WASI (`--stub-wasi`), so that hosts, files (those in \
                    `/plugin`\nas well), secrets, clocks, the system's randomness and output are not there, whatever `capabilities` asks for. Opening a \
                    file, asking the\ntime, `os.urandom` and `print` end the run as a trap, which no `except` catches, and so does an exception that \
                    nobody catches.",
            hint: "\nThe component brings the interpreter and what was imported when it was built: it has some 18 MB, and takes half a minute of a\n\
                   processor to compile, once. Import everything at the top of `plugin.py`: a run cannot load modules. `random` yields the same numbers\n\
                   in every run. `raise Err(Failure(code, message))` is the run's failure.",
        },
    }
}

fn built(language: Language) -> Vec<Template> {
    let own: &[Template] = match language {
        Language::Rust => &[
            ("Cargo.toml", include_str!("../../../templates/component/rust/Cargo.toml")),
            ("src/lib.rs", include_str!("../../../templates/component/rust/lib.rs")),
            ("build.sh", include_str!("../../../templates/component/rust/build.sh")),
        ],
        Language::Javascript => &[
            ("package.json", include_str!("../../../templates/component/javascript/package.json")),
            ("plugin.js", include_str!("../../../templates/component/javascript/plugin.js")),
            ("build.sh", include_str!("../../../templates/component/javascript/build.sh")),
        ],
        Language::Python => &[
            ("requirements.txt", include_str!("../../../templates/component/python/requirements.txt")),
            ("plugin.py", include_str!("../../../templates/component/python/plugin.py")),
            ("build.sh", include_str!("../../../templates/component/python/build.sh")),
        ],
    };
    let shared = [
        ("souk.json", include_str!("../../../templates/component/souk.json")),
        ("README.md", include_str!("../../../templates/component/README.md")),
        WIT,
    ];
    shared.iter().chain(own).copied().collect()
}

fn text(kind: Kind) -> Texts {
    let (summary, source, hint) = match kind {
        Kind::Agent => ("Reviews changes before they are merged.", "agents/reviewer.md", ""),
        Kind::Skill => ("Says what went wrong in a failed build.", "SKILL.md", ""),
        Kind::Command => ("Proposes a message for the staged changes.", "commands/message.md", ""),
        Kind::Plugin => (
            "Explains failed builds and proposes commit messages.",
            "skills/explain-build/SKILL.md",
            "\nAgents go into `agents/`, commands into `commands/`, skills into `skills/NAME/SKILL.md`.",
        ),
        Kind::McpServer => (
            "Describes a server that clients reach over HTTP.",
            "server.json",
            "\nName your own server there: a reversed domain that is yours, and the address or the package by which it is reached.",
        ),
        Kind::Workflow => (
            "Greets whoever starts it by hand.",
            "workflow.json",
            "\nReplace `workflow.json` with an export from your editor; leave out what belongs to your account (credentials, recorded data).",
        ),
        Kind::Asset => ("Counts the words of a text.", "src/lib.rs", ""),
    };
    Texts { summary, language: "", needs: "", source, memory: "", reach: "", hint }
}

/// What a package of this kind consists of, whether it has a component or not.
fn body(kind: Kind) -> Vec<Template> {
    match kind {
        Kind::Agent => vec![("agents/reviewer.md", AGENT)],
        Kind::Skill => vec![("SKILL.md", SKILL)],
        Kind::Command => vec![("commands/message.md", COMMAND)],
        Kind::Plugin => vec![
            (".claude-plugin/plugin.json", include_str!("../../../templates/text/plugin.json")),
            ("commands/message.md", COMMAND),
            ("skills/explain-build/SKILL.md", SKILL),
        ],
        Kind::McpServer => vec![("server.json", include_str!("../../../templates/text/server.json"))],
        Kind::Workflow => vec![("workflow.json", include_str!("../../../templates/text/workflow.json"))],
        Kind::Asset => Vec::new(),
    }
}
