//! Rules about what a package of each kind holds, what it depends on, and workflows.

use souk_domain::validation::Severity::{Critical, High, Info, Low, Medium};

use super::{
    Owasp::{Ast01, Ast02, Ast04, Ast06, Ast07, Ast08, Ast10},
    Rule, entry,
};

/// What a package of each kind holds, checked by the step `artifact`.
pub(super) static KINDS: &[Rule] = &[
    entry(
        "asset.empty",
        Critical,
        None,
        ["Every file of the archive is empty.", "Pack the contents.", "a.txt of 0 bytes"],
    ),
    entry(
        "skill.skill_md_missing",
        Critical,
        Some(Ast10),
        [
            "There is no SKILL.md at the top of the archive or in its one folder.",
            "Name the file SKILL.md, in capitals.",
            "skill.md",
        ],
    ),
    entry(
        "skill.not_text",
        Critical,
        Some(Ast08),
        ["The skill's file is no UTF-8 text.", "Save it as UTF-8.", "UTF-16"],
    ),
    entry(
        "skill.frontmatter_missing",
        Critical,
        Some(Ast04),
        [
            "The skill does not begin with a block between two --- lines.",
            "Add the block with `name` and `description`.",
            "# My skill",
        ],
    ),
    entry(
        "skill.frontmatter_not_yaml",
        Low,
        Some(Ast10),
        [
            "The block at the head is no YAML, so clients read it differently.",
            "Quote values with a colon in them.",
            "description: Use when: asked",
        ],
    ),
    entry("skill.name_missing", Critical, Some(Ast04), ["The skill has no name.", "Add `name`.", "description: x"]),
    entry(
        "skill.name_invalid",
        High,
        Some(Ast10),
        ["The name has characters that clients refuse.", "Use a-z, 0-9 and single hyphens.", "name: My Skill"],
    ),
    entry(
        "skill.name_not_folder",
        Medium,
        Some(Ast10),
        ["The name differs from the folder's.", "Make them equal.", "pdf/SKILL.md with name: word"],
    ),
    entry(
        "skill.description_missing",
        Critical,
        Some(Ast04),
        ["The skill does not say what it is for.", "Add `description`.", "name: x"],
    ),
    entry(
        "skill.description_too_long",
        High,
        Some(Ast10),
        [
            "The description has more than 1,024 characters, and clients refuse it.",
            "Shorten it.",
            "description: … 2,000 characters …",
        ],
    ),
    entry("agent.not_text", Low, Some(Ast08), ["The agent's file is no UTF-8 text.", "Save it as UTF-8.", "UTF-16"]),
    entry(
        "agent.frontmatter_missing",
        Low,
        Some(Ast04),
        [
            "The agent does not begin with a block between two --- lines.",
            "Add the block with `name` and `description`.",
            "# My agent",
        ],
    ),
    entry(
        "agent.frontmatter_not_yaml",
        Low,
        Some(Ast10),
        [
            "The block at the head is no YAML, so clients read it differently.",
            "Quote values with a colon in them.",
            "description: Use when: asked",
        ],
    ),
    entry("agent.name_missing", Low, Some(Ast04), ["The agent has no name.", "Add `name`.", "description: x"]),
    entry(
        "agent.description_missing",
        Low,
        Some(Ast04),
        ["The agent does not say what it is for.", "Add `description`.", "name: x"],
    ),
    entry(
        "agent.none_found",
        Critical,
        Some(Ast10),
        [
            "The archive holds no complete agent.",
            "Put a Markdown file with name and description at the top or in agents/.",
            "README.md alone",
        ],
    ),
    entry(
        "command.not_text",
        Low,
        Some(Ast08),
        ["The command's file is no UTF-8 text.", "Save it as UTF-8.", "UTF-16"],
    ),
    entry("command.empty", Low, None, ["The command says nothing.", "Write what to do.", "an empty file"]),
    entry(
        "command.frontmatter_not_yaml",
        Low,
        Some(Ast10),
        [
            "The block at the head is no YAML, so clients read it differently.",
            "Quote values with a colon in them.",
            "description: Use when: asked",
        ],
    ),
    entry(
        "command.none_found",
        Critical,
        Some(Ast10),
        ["The archive holds no command with contents.", "Put a Markdown file at the top or in commands/.", "x.txt"],
    ),
    entry(
        "plugin.nothing_found",
        Critical,
        Some(Ast10),
        [
            "The archive is no plugin: it has neither a plugin.json nor parts.",
            "Put agents/, commands/, skills/ or hooks/ at the top.",
            "x.txt",
        ],
    ),
    entry(
        "plugin.manifest_not_json",
        Critical,
        Some(Ast04),
        ["plugin.json is no JSON object.", "Repair the file.", "{\"name\":"],
    ),
    entry(
        "plugin.name_missing",
        High,
        Some(Ast04),
        ["plugin.json has no name, and clients refuse the plugin.", "Add `name`.", "{}"],
    ),
    entry(
        "plugin.name_differs",
        Low,
        Some(Ast04),
        ["plugin.json names another plugin than the listing.", "Make the names equal.", "{\"name\": \"other\"}"],
    ),
    entry(
        "plugin.no_parts",
        Medium,
        None,
        ["The plugin names itself but has no agent, command, skill or hook.", "Add the parts.", "plugin.json alone"],
    ),
    entry(
        "plugin.json_invalid",
        High,
        None,
        ["A file that clients read as JSON is none.", "Repair the file.", "hooks/hooks.json with {"],
    ),
    entry(
        "mcp_server.server_json_missing",
        Critical,
        Some(Ast10),
        ["There is no server.json at the top of the archive or in its one folder.", "Add it.", "README.md alone"],
    ),
    entry("mcp_server.not_json", Critical, Some(Ast04), ["server.json is no JSON object.", "Repair the file.", "[1]"]),
    entry("mcp_server.name_missing", Critical, Some(Ast04), ["The server has no name.", "Add `name`.", "{}"]),
    entry(
        "mcp_server.name_invalid",
        Low,
        Some(Ast04),
        [
            "The name is no reversed domain, slash and name.",
            "Write one such as com.example/weather.",
            "\"name\": \"weather\"",
        ],
    ),
    entry(
        "mcp_server.description_missing",
        Medium,
        Some(Ast04),
        ["The server does not say what it is for.", "Add `description`.", "{\"name\": \"a/b\"}"],
    ),
    entry(
        "mcp_server.description_too_long",
        Low,
        Some(Ast10),
        [
            "The description has more than 100 characters, and registries refuse it.",
            "Shorten it.",
            "\"description\": \"… 200 characters …\"",
        ],
    ),
    entry(
        "mcp_server.version_missing",
        Medium,
        Some(Ast07),
        ["The server has no version.", "Add `version`.", "{\"name\": \"a/b\"}"],
    ),
    entry(
        "mcp_server.version_invalid",
        Low,
        Some(Ast07),
        ["The version is a range.", "Name one version.", "\"version\": \"^1\""],
    ),
    entry(
        "mcp_server.unreachable",
        Low,
        None,
        ["Neither packages nor remotes say how the server is reached.", "Add one of the two.", "{\"packages\": []}"],
    ),
];

/// What it depends on.
pub(super) static DEPENDENCIES: &[Rule] = &[
    entry(
        "dependency.malicious",
        Critical,
        Some(Ast02),
        [
            "A version of a package is used that is known to be malicious.",
            "Use another version or another package at once, and assume that the machine is compromised.",
            "\"event-stream\": \"3.3.6\"",
        ],
    ),
    entry(
        "dependency.vulnerable",
        High,
        Some(Ast02),
        [
            "A version of a package is used that has a known vulnerability.",
            "Update to a version that the advisory names as fixed.",
            "\"mcp-remote\": \"0.1.15\"",
        ],
    ),
    entry(
        "dependency.typosquat",
        Critical,
        Some(Ast02),
        [
            "A package is used that is known to imitate the name of another one.",
            "Use the package that was meant.",
            "pip install colourama",
        ],
    ),
    entry(
        "dependency.look_alike",
        Medium,
        Some(Ast02),
        [
            "The name of a package is one letter away from that of a well-known one.",
            "Check the spelling; have the name put on the operator's list if it is right.",
            "npm install expresss",
        ],
    ),
    entry(
        "dependency.too_many",
        High,
        Some(Ast02),
        [
            "More packages are used than are looked at.",
            "List what is used directly, without what that needs in turn.",
            "requirements.txt of 1,000,000 lines",
        ],
    ),
    entry(
        "dependency.foreign_source",
        Medium,
        Some(Ast02),
        [
            "A package is installed from an address over http, or from an index of one's own beside the public one.",
            "Use https and one index.",
            "pip install --extra-index-url http://pkgs.example/simple x",
        ],
    ),
    entry(
        "dependency.install_script",
        Medium,
        Some(Ast02),
        [
            "A script runs by itself when the package is installed.",
            "Do the work when it is asked for.",
            "\"postinstall\": \"node setup.js\"",
        ],
    ),
    entry(
        "dependency.unpinned_start",
        Low,
        Some(Ast07),
        [
            "A package is fetched in whatever version is newest whenever the server starts.",
            "Name the version.",
            "npx -y some-mcp-server@latest",
        ],
    ),
    entry(
        "dependency.unreadable",
        Low,
        Some(Ast08),
        ["A list of dependencies cannot be read.", "Repair the file.", "package.json with {"],
    ),
];

/// Workflows.
pub(super) static WORKFLOW: &[Rule] = &[
    entry(
        "workflow.not_a_workflow",
        Critical,
        Some(Ast10),
        ["The archive holds no workflow.", "Export the workflow from the editor as JSON.", "{\"nodes\": []}"],
    ),
    entry(
        "workflow.node_unnamed",
        Medium,
        None,
        ["A node has no name; connections go by it.", "Name the node.", "{\"type\": \"n8n-nodes-base.set\"}"],
    ),
    entry(
        "workflow.node_name_twice",
        Medium,
        None,
        ["Two nodes have one name; connections go by it.", "Rename one.", "\"name\": \"Set\" twice"],
    ),
    entry(
        "workflow.node_untyped",
        Medium,
        None,
        ["A node has no type.", "Export the workflow anew.", "{\"name\": \"Set\"}"],
    ),
    entry(
        "workflow.node_unplaced",
        Low,
        None,
        [
            "A node has no position of two numbers.",
            "Export the workflow anew.",
            "{\"name\": \"Set\", \"position\": []}",
        ],
    ),
    entry(
        "workflow.node_parameters",
        Low,
        None,
        ["The parameters of a node are no object.", "Export the workflow anew.", "\"parameters\": []"],
    ),
    entry(
        "workflow.no_trigger",
        Info,
        None,
        [
            "No node starts the workflow; it runs from another one or by hand.",
            "Add a trigger if it is to run by itself.",
            "only a Set node",
        ],
    ),
    entry(
        "workflow.connections_malformed",
        Medium,
        None,
        [
            "The connections have another form than the editor writes.",
            "Export the workflow anew.",
            "\"connections\": []",
        ],
    ),
    entry(
        "workflow.connection_dangles",
        Medium,
        None,
        [
            "A connection leads from or to a node that is not there.",
            "Connect it to a node or remove it.",
            "\"node\": \"Gone\"",
        ],
    ),
    entry(
        "workflow.unreachable",
        Info,
        None,
        ["Nothing leads to a node, so it never runs.", "Connect or remove it.", "a Slack node without connections"],
    ),
    entry(
        "workflow.unknown_node",
        Low,
        Some(Ast02),
        [
            "A node comes from a package of the community, which is installed beside the editor.",
            "Say so in the requirements, or use a built-in node.",
            "\"type\": \"n8n-nodes-gcf.gcf\"",
        ],
    ),
    entry(
        "workflow.execute_command",
        Medium,
        Some(Ast06),
        [
            "A node runs commands on the machine of the automation.",
            "Use a node made for the task.",
            "n8n-nodes-base.executeCommand",
        ],
    ),
    entry(
        "workflow.remote_shell",
        Medium,
        Some(Ast06),
        ["A node runs commands on another machine.", "Use a node made for the task.", "n8n-nodes-base.ssh"],
    ),
    entry(
        "workflow.stripped",
        Info,
        Some(Ast04),
        [
            "Ids of the author's credentials or webhooks were taken out of the workflow when it was handed in.",
            "Nothing has to be done: whoever imports it is asked for credentials of their own.",
            "\"credentials\": {\"slackApi\": {\"id\": \"7\"}} in what was handed in",
        ],
    ),
    entry(
        "workflow.credentials_present",
        Critical,
        Some(Ast04),
        [
            "Ids and names of the author's credentials are in the file, where nobody else may get them.",
            "Take `credentials` out of the node; what is handed in unsigned is stripped by itself.",
            "\"credentials\": {\"slackApi\": {\"id\": \"7\"}}",
        ],
    ),
    entry(
        "workflow.webhook_id_present",
        Critical,
        Some(Ast04),
        [
            "The id of the author's webhook is in the file, where nobody else may get it.",
            "Take `webhookId` out of the node; what is handed in unsigned is stripped by itself.",
            "\"webhookId\": \"5f1c…\"",
        ],
    ),
    entry(
        "workflow.pinned_data",
        Low,
        Some(Ast04),
        [
            "Recorded data is in the file; it may be personal.",
            "Unpin the data before exporting.",
            "\"pinData\": {\"Webhook\": [{\"email\": …}]}",
        ],
    ),
    entry(
        "workflow.open_webhook",
        Info,
        Some(Ast06),
        [
            "A webhook answers everybody, without authentication.",
            "Set an authentication on it unless it is meant to be public.",
            "n8n-nodes-base.webhook without authentication",
        ],
    ),
    entry(
        "workflow.raw_host",
        Medium,
        Some(Ast01),
        [
            "A request goes to a bare address, a paste or a tunnel.",
            "Use the name of a host that one can trust.",
            "\"url\": \"http://203.0.113.9/x\"",
        ],
    ),
];
