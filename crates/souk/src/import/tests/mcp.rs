//! Catalogues of MCP servers.

use super::*;

fn server_json(entry: &Entry) -> Value {
    let opened = inspect(&archive(&entry.files, &entry.made).unwrap(), &Limits::default()).unwrap();
    serde_json::from_slice(opened.read("server.json").unwrap()).unwrap()
}

const NOTES: &str = r#"name: Notes
image: mcp/notes
type: server
meta:
  category: Office Work
  tags: [notes, Search]
about:
  title: Team notes
  description: Finds and writes notes.
  icon: https://example.com/notes.png
source:
  project: https://github.com/Acme/notes
  directory: servers/notes
run:
  command: ["--root={{notes.folder}}"]
  volumes: ["{{notes.folder|volume|into}}"]
  disableNetwork: true
config:
  secrets:
    - name: notes.token
      env: NOTES_TOKEN
      example: abc
      description: Made in the settings
  env:
    - name: NOTES_LEVEL
      example: 5
      value: "{{notes.level}}"
    - name: NOTES_MODE
      value: plain
  parameters:
    type: object
    properties:
      folder: {type: string, description: Where the notes are}
      level: {type: integer, default: 3}
    required: [folder]
"#;

#[test]
fn a_description_of_docker_becomes_a_server_json() {
    let folder = TempDir::new().unwrap();
    write(&folder, "servers/Notes/server.yaml", NOTES);
    write(&folder, "servers/Notes/tools.json", r#"[{"name": "find_note", "description": "Finds a note."}]"#);
    let catalogue = docker::read(folder.path()).unwrap();
    assert_eq!(catalogue.refused, []);
    let entry = &catalogue.entries[0];
    assert_eq!((entry.name.as_str(), entry.vendor.slug.as_str()), ("mcp-notes", "acme"));
    assert_eq!(entry.version, VersionRule::Counted);
    let details = &entry.details;
    assert_eq!((details.kind, details.category.as_str()), (Kind::McpServer, "office-work"));
    assert_eq!(details.tags, ["notes", "search", "mcp"]);
    assert_eq!(details.requirements, ["Secret `NOTES_TOKEN`"], "what has a default is not required");
    assert!(details.description.contains("- `find_note`: Finds a note."), "{}", details.description);
    let server = server_json(entry);
    assert_eq!(server["name"], "com.docker.mcp/notes");
    assert_eq!(server["repository"]["subfolder"], "servers/notes");
    let package = &server["packages"][0];
    assert_eq!(package["identifier"], "docker.io/mcp/notes");
    let variables = &package["environmentVariables"];
    let token =
        json!({"name": "NOTES_TOKEN", "isSecret": true, "isRequired": true, "description": "Made in the settings"});
    assert_eq!(variables[0], token, "no example of a secret");
    let level =
        json!({"name": "NOTES_LEVEL", "placeholder": "5", "default": "3", "format": "number", "isRequired": false});
    assert_eq!(variables[1], level);
    assert_eq!(variables[2], json!({"name": "NOTES_MODE", "value": "plain"}));
    assert_eq!(package["packageArguments"][0]["value"], "--root={folder}");
    assert_eq!(package["runtimeArguments"][1], json!({"type": "named", "name": "--network", "value": "none"}));
    let (confidence, found) = confidence(entry);
    assert_eq!((confidence, found), (100, vec![]));
}

#[test]
fn remote_servers_name_their_headers() {
    let folder = TempDir::new().unwrap();
    let remote = "name: far\ntype: remote\nremote:\n  transport_type: sse\n  url: https://far.example/sse\n  headers:\n    \
        Authorization: Bearer ${FAR_KEY}\nconfig:\n  secrets:\n    - name: far.key\n      env: FAR_KEY\n";
    write(&folder, "far/server.yaml", remote);
    let catalogue = docker::read(folder.path()).unwrap();
    let entry = &catalogue.entries[0];
    assert_eq!(entry.vendor.slug, "docker-mcp-catalog");
    assert_eq!(entry.details.summary, "Far, a server for the Model Context Protocol.");
    assert_eq!(entry.details.requirements, ["Secret `FAR_KEY`"]);
    let remote = &server_json(entry)["remotes"][0];
    assert_eq!((&remote["type"], &remote["headers"][0]["value"]), (&json!("sse"), &json!("Bearer {FAR_KEY}")));
}

#[test]
fn descriptions_of_one_name_are_told_apart_and_bad_ones_refused() {
    let folder = TempDir::new().unwrap();
    write(&folder, "a/server.yaml", "name: same\nimage: mcp/a\n");
    write(&folder, "b/server.yaml", "name: Same\nimage: mcp/b\n");
    write(&folder, "c/server.yaml", "name: same\nimage: mcp/a\n");
    write(&folder, "d/server.yaml", "name: [\n");
    write(&folder, "e/server.yaml", "image: mcp/e\n");
    write(&folder, "f/server.yaml", "name: f\n");
    write(&folder, "f/tools.json", "[\n}");
    write(&folder, "g/server.yaml", "name: '!'\n");
    let catalogue = docker::read(folder.path()).unwrap();
    assert_eq!(names(&catalogue), ["mcp-same-a", "mcp-same-b"]);
    assert_eq!(
        (catalogue.duplicates[0].file.as_str(), catalogue.duplicates[0].of.as_str()),
        ("c/server.yaml", "a/server.yaml")
    );
    let places: Vec<_> = catalogue.refused.iter().map(|refused| refused.place.as_str()).collect();
    assert_eq!(places.len(), 4);
    assert!(places[0].starts_with("d/server.yaml:"), "{places:?}");
    assert_eq!(places[1..], ["e/server.yaml", "f/tools.json:2:1", "g/server.yaml"]);
    assert_eq!(catalogue.refused[1].name.as_deref(), Some("mcp-e"));
}

fn registry_of(list: &Value) -> TempDir {
    let folder = TempDir::new().unwrap();
    write(&folder, "seed/list.json", list.to_string());
    folder
}

#[test]
fn an_older_entry_of_a_registry_takes_todays_shape() {
    let folder = registry_of(&json!([{
        "id": "1", "name": "io.github.acme/weather", "description": "Forecasts. ".repeat(20),
        "repository": {"url": "https://github.com/acme/weather", "source": "github", "id": ""},
        "version_detail": {"version": "0.2.0-seed", "release_date": "2025-05-16T00:00:00Z", "is_latest": true},
        "packages": [
            {"registry_name": "npm", "name": "@acme/weather", "version": "1.2.0",
             "package_arguments": [{"type": "positional", "value_hint": "city", "is_required": true, "default": ""}],
             "environment_variables": [{"name": "API_KEY", "description": "key"}]},
            {"registry_name": "docker", "name": "acme/weather", "version": "1.2.0"},
            {"registry_name": "unknown", "name": "weather"}],
        "remotes": [{"transport_type": "sse", "url": "https://acme.example/sse"}]
    }]));
    let catalogue = registry::read(&folder.path().join("seed")).unwrap();
    assert_eq!((catalogue.name.as_str(), &catalogue.refused), ("seed", &vec![]));
    let entry = &catalogue.entries[0];
    assert_eq!(entry.key, "mcp-registry/seed/io.github.acme/weather");
    assert_eq!((entry.name.as_str(), entry.vendor.name.as_str()), ("io-github-acme-weather", "acme"));
    assert_eq!(entry.version, VersionRule::Stated("0.2.0-seed".parse().unwrap()));
    assert_eq!(entry.details.requirements, ["Setting `API_KEY`"]);
    let server = server_json(entry);
    assert!(server["description"].as_str().unwrap().chars().count() <= 100);
    assert_eq!(server["repository"], json!({"url": "https://github.com/acme/weather", "source": "github"}));
    let packages = json!([
        {"registryType": "npm", "identifier": "@acme/weather", "version": "1.2.0", "runtimeHint": "npx",
         "transport": {"type": "stdio"}, "packageArguments": [{"type": "positional", "valueHint": "city", "isRequired": true}],
         "environmentVariables": [{"name": "API_KEY", "description": "key"}]},
        {"registryType": "oci", "identifier": "acme/weather:1.2.0", "runtimeHint": "docker", "transport": {"type": "stdio"}}]);
    assert_eq!(server["packages"], packages);
    assert_eq!(server["remotes"], json!([{"type": "sse", "url": "https://acme.example/sse"}]));
    assert!(server["_meta"].to_string().contains("unknown"), "what cannot be fetched stays readable");
}

#[test]
fn the_latest_of_several_versions_is_imported() {
    let version = |version: &str, latest: bool| {
        json!({"server": {"name": "com.acme/tool", "description": "A tool.", "version": version,
                "remotes": [{"type": "streamable-http", "url": "https://acme.com/mcp"}]},
            "_meta": {"io.modelcontextprotocol.registry/official": {"isLatest": latest}}})
    };
    let (old, new) = (version("1.9.0", false), version("1.10.0", false));
    let folder = registry_of(&json!({"servers": [old, new, old, {"name": "com.acme/odd", "version": "2025.04.01"}]}));
    let catalogue = registry::read(folder.path()).unwrap();
    assert_eq!(names(&catalogue), ["com-acme-tool", "com-acme-odd"]);
    assert_eq!(catalogue.entries[0].version, VersionRule::Stated("1.10.0".parse().unwrap()));
    assert_eq!(catalogue.entries[0].vendor.name, "acme.com");
    assert_eq!(catalogue.entries[1].version, VersionRule::Counted, "no semantic version");
    assert_eq!(server_json(&catalogue.entries[1])["version"], "2025.04.01");
    assert_eq!(catalogue.refused[0].place, "seed/list.json: servers[0]");
    assert!(catalogue.refused[0].reason.contains("only the latest"), "{:?}", catalogue.refused);
    assert_eq!((catalogue.refused.len(), catalogue.duplicates.len()), (1, 1));
    let folder = registry_of(&json!([version("1.0.0", true), version("2.0.0", false)]));
    let catalogue = registry::read(folder.path()).unwrap();
    assert_eq!(catalogue.entries[0].version, VersionRule::Stated("1.0.0".parse().unwrap()), "as the registry says");
}

#[test]
fn what_is_no_entry_of_a_registry_is_refused_by_place() {
    let blank = json!({"id": "", "name": " ", "version_detail": {"version": ""}});
    let folder = registry_of(&json!([blank, 17, {"id": "x", "name": ""}, {"name": "a.b/c"}, {"name": "🔍/✨"}]));
    write(&folder, "seed/other.json", "{\"no\": 1}");
    write(&folder, "seed/broken.json", "[\n1,]");
    let catalogue = registry::read(folder.path()).unwrap();
    assert_eq!(names(&catalogue), ["a-b-c"]);
    let mut refused: Vec<_> =
        catalogue.refused.iter().map(|it| (it.place.as_str(), it.name.as_deref(), it.reason.as_str())).collect();
    refused.sort_unstable();
    assert!(refused[0].0.starts_with("seed/broken.json:2:"), "{refused:?}");
    assert_eq!(refused[1], ("seed/list.json: servers[0]", None, "`name` is blank"));
    assert_eq!(refused[2].2, "the entry is no JSON object");
    assert_eq!(refused[3], ("seed/list.json: servers[2]", Some("x"), "`name` is blank"));
    assert_eq!(refused[4], ("seed/list.json: servers[4]", Some("🔍/✨"), "`name` has no letter or digit"));
    assert_eq!(refused[5].2, "the file is no list of a registry's servers");
}
