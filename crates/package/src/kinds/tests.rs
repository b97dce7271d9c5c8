use super::*;
use crate::{
    archive::{Limits, inspect},
    pack::pack,
};

fn rules(kind: Kind, files: &[(&str, &str)]) -> Vec<(String, Severity)> {
    let files = files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()));
    let archive = inspect(&pack(files).unwrap(), &Limits::default()).unwrap();
    check(kind, &archive, "demo").into_iter().map(|finding| (finding.rule, finding.severity)).collect()
}

fn one(rule: &str, severity: Severity) -> Vec<(String, Severity)> {
    vec![(rule.to_owned(), severity)]
}

const GOOD: &str = "---\nname: demo\ndescription: Does it.\n---\n# Demo\n";

#[test]
fn a_skill_has_its_file_at_the_top_or_in_its_one_folder() {
    assert_eq!(rules(Kind::Skill, &[("SKILL.md", GOOD), ("scripts/x.py", "1")]), []);
    assert_eq!(rules(Kind::Skill, &[("demo/SKILL.md", GOOD), ("demo/a/b.md", "1")]), []);
    let missing = one("skill.skill_md_missing", Severity::Critical);
    assert_eq!(rules(Kind::Skill, &[("README.md", "x")]), missing);
    assert_eq!(rules(Kind::Skill, &[("a/SKILL.md", GOOD), ("b/x", "1")]), missing);
    assert_eq!(rules(Kind::Skill, &[("a/b/SKILL.md", GOOD)]), missing);
    assert_eq!(rules(Kind::Skill, &[("skill.md", GOOD)]), missing);
}

#[test]
fn a_skill_names_and_describes_itself() {
    let skill = |text: &str| rules(Kind::Skill, &[("demo/SKILL.md", text)]);
    assert_eq!(skill("# nothing"), one("skill.frontmatter_missing", Severity::Critical));
    assert_eq!(skill("---\ndescription: x\n---\n"), one("skill.name_missing", Severity::Critical));
    assert_eq!(skill("---\nname: demo\n---\n"), one("skill.description_missing", Severity::Critical));
    assert_eq!(skill("---\nname: Demo Skill\ndescription: x\n---\n"), one("skill.name_invalid", Severity::High));
    assert_eq!(skill("---\nname: a--b\ndescription: x\n---\n"), one("skill.name_invalid", Severity::High));
    assert_eq!(skill("---\nname: other\ndescription: x\n---\n"), one("skill.name_not_folder", Severity::Medium));
    let long = format!("---\nname: demo\ndescription: {}\n---\n", "x".repeat(1_025));
    assert_eq!(skill(&long), one("skill.description_too_long", Severity::High));
    assert_eq!(skill("---\nname: demo\ndescription: a: b\n---\n"), one("skill.frontmatter_not_yaml", Severity::Low));
}

#[test]
fn an_agent_is_one_complete_file_at_least() {
    for path in ["demo.md", "agents/demo.md", "folder/demo.md", "folder/agents/demo.md"] {
        assert_eq!(rules(Kind::Agent, &[(path, GOOD)]), [], "{path}");
    }
    assert_eq!(rules(Kind::Agent, &[("README.md", GOOD)]), one("agent.none_found", Severity::Critical));
    let found = rules(Kind::Agent, &[("a.md", "---\nname: x\n---\n")]);
    assert!(found.contains(&("agent.none_found".into(), Severity::Critical)), "{found:?}");
    assert_eq!(
        rules(Kind::Agent, &[("agents/a.md", GOOD), ("agents/b.md", "x"), ("agents/c.md", "y")]),
        [("agent.frontmatter_missing".into(), Severity::Low), ("agent.frontmatter_missing".into(), Severity::Low)],
    );
}

#[test]
fn a_command_is_a_file_with_contents() {
    assert_eq!(rules(Kind::Command, &[("commands/demo.md", "Do it")]), []);
    assert_eq!(rules(Kind::Command, &[("demo.md", "Do it"), ("README.md", "")]), []);
    let found = rules(Kind::Command, &[("demo.md", " \n")]);
    assert!(found.contains(&("command.none_found".into(), Severity::Critical)), "{found:?}");
    assert_eq!(rules(Kind::Command, &[("x.txt", "a")]), one("command.none_found", Severity::Critical));
}

#[test]
fn a_plugin_names_itself_or_has_parts() {
    let manifest = (".claude-plugin/plugin.json", r#"{"name":"demo"}"#);
    let skill = ("skills/demo/SKILL.md", GOOD);
    assert_eq!(rules(Kind::Plugin, &[manifest, skill]), []);
    assert_eq!(rules(Kind::Plugin, &[skill]), []);
    assert_eq!(rules(Kind::Plugin, &[("x/.claude-plugin/plugin.json", manifest.1), ("x/agents/a.md", GOOD)]), []);
    assert_eq!(rules(Kind::Plugin, &[manifest, ("x.txt", "1")]), one("plugin.no_parts", Severity::Medium));
    assert_eq!(rules(Kind::Plugin, &[("x.txt", "1")]), one("plugin.nothing_found", Severity::Critical));
    assert_eq!(rules(Kind::Plugin, &[(manifest.0, "{"), skill]), one("plugin.manifest_not_json", Severity::Critical));
    assert_eq!(rules(Kind::Plugin, &[(manifest.0, "{}"), skill]), one("plugin.name_missing", Severity::High));
    assert_eq!(
        rules(Kind::Plugin, &[(manifest.0, r#"{"name":"x"}"#), skill]),
        one("plugin.name_differs", Severity::Low)
    );
    assert_eq!(
        rules(Kind::Plugin, &[manifest, skill, ("hooks/hooks.json", "{")]),
        one("plugin.json_invalid", Severity::High)
    );
    assert_eq!(
        rules(Kind::Plugin, &[manifest, ("skills/other/SKILL.md", GOOD)]),
        one("skill.name_not_folder", Severity::Low),
        "a part of a bundle is judged mildly"
    );
}

#[test]
fn a_server_is_described_for_registries() {
    let server = |text: &str| rules(Kind::McpServer, &[("server.json", text)]);
    let good = r#"{"name":"io.example/demo","description":"x","version":"1.0.0","packages":[{}]}"#;
    assert_eq!(server(good), []);
    assert_eq!(rules(Kind::McpServer, &[("x", "1")]), one("mcp_server.server_json_missing", Severity::Critical));
    assert_eq!(server("[1]"), one("mcp_server.not_json", Severity::Critical));
    assert_eq!(server("{"), one("mcp_server.not_json", Severity::Critical));
    let bare = server("{}");
    assert_eq!(bare[0], ("mcp_server.name_missing".into(), Severity::Critical));
    assert_eq!(bare.len(), 4);
    let odd = r#"{"name":"a/b/c","description":"x","version":"^1","remotes":[{}]}"#;
    assert_eq!(
        server(odd),
        [("mcp_server.name_invalid".into(), Severity::Low), ("mcp_server.version_invalid".into(), Severity::Low)]
    );
}

#[test]
fn a_workflow_has_nodes() {
    let workflow = |text: &str| rules(Kind::Workflow, &[("workflow.json", text)]);
    let good = r#"{"nodes":[{"name":"A","type":"n8n-nodes-base.webhook","position":[0,0],"parameters":{}},
        {"name":"B","type":"n8n-nodes-base.slack","position":[1,0],"parameters":{}}],
        "connections":{"A":{"main":[[{"node":"B","type":"main","index":0}]]}}}"#;
    assert_eq!(workflow(good), []);
    for text in ["[]", "{}", r#"{"nodes":[]}"#, r#"{"nodes":{}}"#, "{", ""] {
        assert_eq!(workflow(text), one("workflow.not_a_workflow", Severity::Critical), "{text}");
    }
    assert_eq!(rules(Kind::Workflow, &[("x.md", "1")]), one("workflow.not_a_workflow", Severity::Critical));
}

#[test]
fn an_asset_is_anything_but_nothing() {
    assert_eq!(rules(Kind::Asset, &[("x", "1")]), []);
    assert_eq!(rules(Kind::Asset, &[("x", "")]), one("asset.empty", Severity::Critical));
}
