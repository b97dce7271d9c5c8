//! What commands and code do, and should not.

use crate::pattern::Pattern;

const fn pattern(rule: &'static str, words: &'static [&'static str], find: &'static str) -> Pattern {
    Pattern { rule, words, find, unless: "" }
}

/// Addresses from which the makers of well-known tools have them installed. Fetching from there is no finding of its own.
const INSTALLERS: &str = concat!(
    r"sh\.rustup\.rs|astral\.sh|get\.docker\.com|raw\.githubusercontent\.com/(?:Homebrew|nvm-sh|helm|k3d-io|rancher|kubernetes|pyenv|argoproj|fluxcd|aquasecurity|anchore|trufflesecurity|sigstore|golangci)",
    r"|bun\.(?:sh|com)/install|deno\.(?:land|com)|ollama\.(?:com|ai)/install|install\.python-poetry\.org|get\.helm\.sh|fnm\.vercel\.app|get\.pnpm\.io|starship\.rs|sdk\.cloud\.google\.com",
    r"|get\.k3s\.io|claude\.ai/install|nixos\.org|install\.determinate\.systems|foundry\.paradigm\.xyz|get\.sdkman\.io|linkerd\.io|istio\.io|tailscale\.com/install|nodesource\.com|fly\.io/install|ohmyz",
    r"|fluxcd\.io/install|apt\.llvm\.org|get\.rvm\.io|pkg\.cloudflare|cli\.run|dl\.dagger\.io|sentry\.io/get-cli|install\.meteor|get\.volta\.sh|mise\.(?:run|jdx)|pixi\.sh|setup\.atuin\.sh|grafana|semgrep|snyk\.io"
);

const FETCH_TO_SHELL: &str = concat!(
    r"\b(?:curl|wget)\b[^|;\n]{0,400}\|\s*(?:sudo\s+(?:-\w+\s+)*)?(?:env\s+\S+\s+)?(?:\w+=\S*\s+)*(?:/(?:usr/)?bin/)?(?:ba|z|da|k)?sh\b",
    r"|\b(?:curl|wget)\b[^|;\n]{0,400}\|\s*(?:sudo\s+)?(?:python3?|node|perl|ruby|php)(?:\s+-)?\s*(?:$|[;&|)\x22'`])",
    r"|\b(?:ba|z)?sh\s+<\(\s*(?:curl|wget)\b|\b(?:ba|z)?sh\s+-c\s+[\x22'\\]*\$\(\s*(?:curl|wget)\b|\b(?:eval|source|\.)\s+[\x22'\\]*(?:\$\(|<\(|`)\s*(?:curl|wget)\b",
    r"|\b(?:python3?|node|perl|ruby|php)\s+-[cer]\s+[\x22'\\]*\$\(\s*(?:curl|wget)\b",
    r"|\b(?:iwr|irm|curl|wget|invoke-webrequest|invoke-restmethod)\b[^|\n]{0,300}\|\s*(?:iex|invoke-expression)\b|\b(?:iex|invoke-expression)\b[\s(&\x22']*(?:\(\s*)?(?:iwr|irm|new-object\s+(?:system\.)?net\.webclient|invoke-webrequest)",
    r"|\bexec\s*\(\s*(?:requests\.get|urllib\.request\.urlopen|urlopen|httpx\.get)\s*\(|\bos\.system\(\s*[frb]?[\x22'](?:curl|wget)[^\x22'\n]*\|\s*(?:ba)?sh",
    r"|\b(?:curl|wget)\b[^\n;&]{0,300}\s-(?:o|O)\s*\S+[^\n]{0,120}(?:&&|;)\s*(?:sudo\s+)?(?:chmod\s+\S*\+?x?\S*\s+\S+\s*(?:&&|;)\s*)?(?:sudo\s+)?(?:(?:ba|z)?sh\s+(?:/tmp/|\./)|/tmp/\S|\./\S)"
);

pub(crate) static COMMANDS: &[Pattern] = &[
    Pattern {
        rule: "shell.pipe_remote",
        words: &["curl", "wget", "iwr", "irm", "invoke-", "urlopen", "exec(", "exec ("],
        find: FETCH_TO_SHELL,
        unless: INSTALLERS,
    },
    pattern(
        "shell.decode_and_run",
        &[
            "base64",
            "atob",
            "buffer.from",
            "encodedcommand",
            "-enc",
            "fromhex",
            "xxd",
            "decompress",
            "b64decode",
            "codecs.decode",
            "fromcharcode",
            "rev |",
        ],
        concat!(
            r"\bbase64\s+(?:-d|-D|--decode)\b[^\n]{0,60}\|\s*(?:sudo\s+)?(?:(?:ba|z|da)?sh|python3?|perl|node)\b|\bxxd\s+-r[^\n]*\|\s*(?:ba|z)?sh\b|\|\s*rev\s*\|\s*(?:ba|z)?sh\b",
            r"|\beval\s+[\x22']?(?:\$\(|`)[^\n]{0,300}\bbase64\s+(?:-d|-D|--decode)|\b(?:ba)?sh\s+(?:-c\s+[\x22']?\$\(|<\(|<<<\s*[\x22']?\$\()[^\n]{0,300}\bbase64\s+(?:-d|-D|--decode)",
            r"|\b(?:exec|eval)\s*\(\s*(?:compile\s*\(\s*)?(?:(?:\w+\.)*(?:b64decode|b32decode|a85decode|decompress|fromhex)|codecs\.decode|__import__\s*\()[^\n]*",
            r"|\b(?:eval|Function)\s*\(\s*(?:[\w.]*atob|Buffer\.from|String\.fromCharCode|unescape)\s*\(|\bchild_process\b[^\n]*\b(?:atob|Buffer\.from)\s*\(",
            r"|\b(?:powershell|pwsh)(?:\.exe)?\b[^\n]*\s-(?:e|ec|enc|encodedcommand)\s+[A-Za-z0-9+/=]{20,}"
        ),
    ),
    pattern(
        "shell.reverse_shell",
        &["/dev/tcp/", "/dev/udp/", "nc ", "ncat ", "dup2", "mkfifo", "pty.spawn", "socat", "tcpclient"],
        concat!(
            r"/dev/(?:tcp|udp)/[\w.$\{]+/[\d$\{]|\bn(?:c|cat)\b[^\n|]*\s-(?:\w*e|c)\s+/?(?:bin/)?(?:ba|z)?sh\b|\bos\.dup2\(\s*\w+\.fileno\(\)",
            r"|\bmkfifo\b[^\n]*\|\s*(?:nc|ncat|openssl)\b|\bsocat\b[^\n]*exec:[^\n]*sh\b|Sockets\.TCPClient\([^\n]*(?:iex|Invoke-Expression)"
        ),
    ),
    Pattern {
        rule: "shell.destructive",
        words: &[
            "rm ",
            "mkfs",
            "of=/dev/",
            "/dev/sd",
            "/dev/nvme",
            ":(){",
            ":() {",
            "rmtree",
            "chmod -r 777 /",
            "remove-item",
            "vssadmin",
            "-delete",
            "rmsync",
            "rm(",
            "wipefs",
            "format c:",
            "rd /s",
        ],
        find: concat!(
            r"(?:^|[\s;&|(`\x22'$])rm\s+(?:-[\w-]+\s+)*-(?:\w*r\w*f|\w*f\w*r|r|R|-recursive)\w*\s+(?:-[\w-]+\s+)*[\x22']?(?:/|~/?|\$\{?HOME\}?/?|/\*|~/\*|\$\{?HOME\}?/\*|/(?:etc|usr|var|home|boot|bin|lib|Users)/?\*?|C:\\)[\x22']?(?:$|[\s;&|)\x22'`,])",
            r"|\bmkfs(?:\.\w+)?\s+(?:-\w+\s+)*/dev/\w|\bwipefs\s+-a|\bdd\s+[^\n]*\bof=/dev/(?:sd|nvme|hd|disk|mmcblk|xvd|vd)|>\s*/dev/(?:sd[a-z]|nvme\d|disk\d)|:\s*\(\)\s*\{\s*:\s*\|\s*:\s*&\s*\}",
            r"|\brmtree\(\s*(?:[\x22'](?:/|~)/?[\x22']|os\.path\.expanduser\(\s*[\x22']~/?[\x22']\s*\)|(?:pathlib\.)?Path\.home\(\)\s*[,)]|os\.environ\[[\x22']HOME[\x22']\])|\brm(?:Sync|)\(\s*(?:os\.homedir\(\)|process\.env\.HOME)\s*,[^\n]*recursive",
            r"|\bchmod\s+-R\s+777\s+/(?:\s|$)|\bRemove-Item\b[^\n]*(?:C:\\(?:\s|\*|[\x22']|$)|\$HOME\b|\$env:USERPROFILE\b)[^\n]*|\bvssadmin\s+delete\s+shadows|\bfind\s+(?:/|~|\$HOME)\s+[^\n]*-delete\b|\bformat\s+c:|\brd\s+/s\s+/q\s+c:\\"
        ),
        unless: "",
    },
    Pattern {
        rule: "shell.persistence",
        words: &[
            "crontab",
            "bashrc",
            "zshrc",
            "profile",
            "launchagents",
            "@reboot",
            "schtasks",
            "currentversion",
            "cron.d",
            "ld.so.preload",
            "systemd/user",
            "startup",
            "launchctl",
        ],
        find: concat!(
            r"\|\s*crontab\b|\blaunchctl\s+(?:load|bootstrap)\b|\bcrontab\s+(?:-\s|-$|/tmp|<\()|(?:>>|tee\s+-a)\s*[\x22']?(?:~|\$HOME|\$\{HOME\}|/root|/etc)/\.?(?:bashrc|zshrc|profile|bash_profile|zprofile|zshenv|bash\.bashrc)",
            r"|(?:>>?|tee|cp\s+\S+|mv\s+\S+|open\(|write\w*\()\s*[^\n]{0,60}(?:Library/LaunchAgents/|/etc/cron\.d/|/etc/ld\.so\.preload|\.config/systemd/user/|\.config/autostart/)|\bschtasks(?:\.exe)?\s+/create\b",
            r"|\b(?:reg\s+add|New-ItemProperty|Set-ItemProperty|winreg\.SetValueEx)\b[^\n]*CurrentVersion\\+Run|open\([^\n]{0,80}\.(?:bashrc|zshrc|bash_profile|profile)[\x22')]+[^\n]*,\s*[\x22']a|appendFile(?:Sync)?\([^\n]{0,80}\.(?:bashrc|zshrc|bash_profile|profile)"
        ),
        unless: r#"echo\s+[\x22']?(?:export\s+(?:PATH|[A-Z_]+)=|eval\s+\\?[\x22']?\$\(|alias\s+\w|source\s|\.\s|fpath|autoload)|completion"#,
    },
    pattern(
        "shell.locked_archive",
        &["password", "unzip -p", "7z x -p", "unrar x -p"],
        concat!(
            r"\bhttps?://\S+\.(?:zip|rar|7z)\b[^\n]{0,80}\bpass(?:word|code)\b|\b(?:unzip\s+-P|7z\s+x\s+-p|unrar\s+x\s+-p)\s*[^\s$]\S*",
            r"|\.(?:zip|rar|7z)\b[^\n]{0,60}\(\s*pass(?:word|code)\s*:?\s*\S+\)"
        ),
    ),
    pattern(
        "shell.login_planted",
        &["authorized_keys", "useradd", "nopasswd", "chpasswd", "net user"],
        concat!(
            r"(?:>>?|tee(?:\s+-a)?|cat\s+>+)\s*[\x22']?[^\s\x22']*authorized_keys|(?:open|appendFile(?:Sync)?|writeFile(?:Sync)?)\([^\n]{0,80}authorized_keys",
            r"|\bNOPASSWD:\s*ALL\b[^\n]*(?:>>|tee)[^\n]*sudoers|\buseradd\b[^\n]*\s-o\s+-u\s*0\b|\bnet\s+user\s+\S+\s+\S+\s+/add"
        ),
    ),
    pattern(
        "shell.protection_off",
        &[
            "setenforce",
            "sslverify",
            "node_tls_reject",
            "spctl",
            "disablerealtimemonitoring",
            "ufw disable",
            "iptables -f",
            "csrutil",
            "pythonhttpsverify",
            "histfile",
            "strict-ssl",
            "executionpolicy",
        ],
        concat!(
            r"\bsetenforce\s+0|\bhttp\.sslVerify[=\s]+(?:false|0)|NODE_TLS_REJECT_UNAUTHORIZED[\x22'\]]*\s*[=:]\s*[\x22']?0|\bspctl\s+--(?:master|global)-disable|DisableRealtimeMonitoring\s+(?:\$true|1)",
            r"|\bufw\s+disable\b|\biptables\s+-F\b|\bcsrutil\s+disable|PYTHONHTTPSVERIFY\s*=\s*[\x22']?0|\bHISTFILE=/dev/null|\bunset\s+HISTFILE|npm\s+config\s+set\s+strict-ssl\s+false|Set-ExecutionPolicy\s+(?:-\w+\s+)*(?:Unrestricted|Bypass)"
        ),
    ),
    pattern(
        "shell.agent_tampering",
        &[".claude/", "soul.md", "memory.md", ".claude.json", ".codex/", ".cursor/mcp.json"],
        concat!(
            r"(?:>>?|\btee(?:\s+-a)?|\bcp\s+\S+|\bmv\s+\S+|\bln\s+-\w+\s+\S+)\s*[\x22']?(?:~|\$HOME|\$\{HOME\})/(?:\.claude/(?:settings(?:\.local)?\.json|CLAUDE\.md|hooks|memory)|\.claude\.json|\.codex/(?:config|AGENTS)|\.cursor/mcp\.json|\S*(?:SOUL|MEMORY)\.md)",
            r"|(?:open|write_text|writeFile(?:Sync)?|appendFile(?:Sync)?)\([^\n]{0,120}\.claude[/\x22',\s]+(?:settings(?:\.local)?\.json|CLAUDE\.md)[^\n]{0,20}(?:[\x22'][wa]|,)"
        ),
    ),
    pattern(
        "injection.permission_bypass",
        &["dangerously-skip-permissions", "bypasspermissions", "danger-full-access", "--yolo", "dangerously-bypass"],
        r"--dangerously-skip-permissions|--dangerously-bypass-approvals\S*|\bbypassPermissions\b|\bdanger-full-access\b|\s--yolo\b",
    ),
    pattern(
        "exfiltration.environment",
        &["env", "printenv", "export -p", "set |"],
        concat!(
            r"(?:^|[\s;&|(\x22'`])(?:printenv|env|set|export\s+-p)(?:\s+-0)?\s*\|[^\n]{0,200}\b(?:curl|wget|nc|ncat)\b|\b(?:curl|wget)\b[^\n]*(?:-d|--data\S*|-F|--form|--post-data\S*|--body-data)[=\s]*[\x22']?[^\n]{0,80}(?:\$\(|`)\s*(?:env|printenv|set|export\s+-p)\b",
            r"|(?:json|data|params|files|content|body)\s*=\s*(?:json\.dumps\(\s*)?(?:dict\(\s*)?os\.environ(?:\.copy\(\))?\s*[),}]|\burlopen\([^\n]*os\.environ\s*[),]|\bJSON\.stringify\(\s*(?:\{[^}\n]*)?process\.env\s*[,})]",
            r"|\b(?:axios|got|request)(?:\.post|\.put)?\([^\n]*process\.env\s*[,)}]|\bbody:\s*(?:new URLSearchParams\(\s*)?process\.env\s*[,)}]|Get-ChildItem\s+env:[^\n]*\|[^\n]*Invoke-(?:RestMethod|WebRequest)"
        ),
    ),
    pattern(
        "exfiltration.credential_file",
        &["curl", "wget", "nc ", "scp ", "tar ", "cat "],
        concat!(
            r"\b(?:curl|wget)\b[^\n]*(?:-d|--data\S*|-F|--form|-T|--upload-file|--post-file)[=\s]*[^\n]{0,60}(?:\.ssh/|\.aws/credentials|\.netrc|\.npmrc|\.pypirc|\.kube/config|\.docker/config|\.gnupg|\.git-credentials|/etc/shadow|id_rsa|id_ed25519|@\.env\b|\bcat\s+\.env\b|Login Data|Keychains)",
            r"|\b(?:cat|tar|base64|zip)\b[^\n]*(?:\.ssh\b|\.aws\b|\.netrc|\.npmrc|\.pypirc|\.kube/config|\.gnupg|\.git-credentials|/etc/shadow|id_rsa|id_ed25519)[^\n]*\|[^\n]*\b(?:curl|wget|nc|ncat)\b|\bscp\b[^\n]*(?:\.ssh/id_|\.aws/credentials)[^\n]*\S+@\S+:"
        ),
    ),
    pattern(
        "exfiltration.collector",
        &[
            "webhook.site",
            "requestbin",
            "pipedream",
            "burpcollaborator",
            "oast",
            "interact.sh",
            "beeceptor",
            "requestcatcher",
            "hookbin",
            "transfer.sh",
            "pastebin.com",
            "api/webhooks/",
            "api.telegram.org",
            "serveo.net",
            "localhost.run",
            "dnslog",
            "file.io",
            "ngrok",
            "trycloudflare",
        ],
        concat!(
            r"https?://(?:[\w.-]+\.)?(?:webhook\.site|requestbin\.(?:com|net)|m\.pipedream\.net|burpcollaborator\.net|oast(?:ify)?\.(?:com|fun|live|pro|me|site|online)|interact\.sh|beeceptor\.com|requestcatcher\.com|hookbin\.com|transfer\.sh|dnslog\.cn|serveo\.net|localhost\.run)",
            r"|https?://(?:\w+\.)?file\.io\b|pastebin\.com/(?:raw/|api)|discord(?:app)?\.com/api/webhooks/\d{5,}/[\w-]{20,}|api\.telegram\.org/bot\d{6,}:[\w-]{20,}|https?://[\w-]+\.(?:ngrok(?:-free)?\.(?:io|app|dev)|trycloudflare\.com)"
        ),
    ),
    pattern(
        "exfiltration.dns",
        &["nslookup", "dig ", "host ", "ping "],
        r"\b(?:nslookup|dig|host|ping)\s[^\n|;]{0,80}(?:\$\(|`)\s*(?:whoami|hostname|cat|env|printenv|base64|id|echo|head|xxd)\b[^\n]*\.[a-z]{2,}",
    ),
];

/// Fetching that is worse than fetching: over plain http, from a bare address, a paste or a tunnel.
pub(crate) const INSECURE_FETCH: &str = r"(?i)\bhttp://(?:[^\s\x22'|]+)|https?://\d{1,3}(?:\.\d{1,3}){3}|https?://[^\s\x22'|]*(?:pastebin\.com|paste\.ee|gist\.githubusercontent|ngrok|trycloudflare|transfer\.sh|webhook\.site|bit\.ly|tinyurl|is\.gd|t\.ly)";
