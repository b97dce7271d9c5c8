//! What texts tell an agent to do, and should not.

use crate::pattern::Pattern;

const fn pattern(rule: &'static str, words: &'static [&'static str], find: &'static str) -> Pattern {
    Pattern { rule, words, find, unless: "" }
}

pub(crate) static WORDS: &[Pattern] = &[
    pattern(
        "injection.override",
        &["ignore", "disregard", "forget", "override", "overrule", "discard", "do not follow", "stop following"],
        concat!(
            r"\b(?:ignor(?:e|ing)|disregard(?:ing)?|forget(?:ting)?|overrid(?:e|ing)|overrul(?:e|ing)|discard(?:ing)?|do not follow|stop following)\s+",
            r"(?:(?:all|any|every|each|the|your|of|my|those|these)\s+)*",
            r"(?:previous(?:ly)?|prior|earlier|above|preceding|original|system|safety|other|developer'?s?|former|existing|initial)\s+",
            r"(?:[\w-]+\s+){0,2}(?:instructions?|prompts?|rules?|guidelines?|directives?|polic(?:y|ies)|constraints|guardrails?|restrictions?|safeguards?|orders|training)\b"
        ),
    ),
    pattern(
        "injection.override",
        &["forget", "disregard", "ignore"],
        r"\b(?:forget|disregard|ignore)\s+(?:everything|anything|all|whatever)\s+(?:that\s+)?(?:you(?:'ve| have| were)?|(?:was|were)|above|before|written|said)\b",
    ),
    pattern(
        "injection.override",
        &["no attention", "do not obey", "do not listen", "stop listening"],
        concat!(
            r"\b(?:pay no attention to|do not (?:obey|listen to)|stop (?:obeying|listening to))\s+(?:\w+\s+){0,3}",
            r"(?:developer|system|operator|user|maker|instructions|prompt|rules|guidelines)\b"
        ),
    ),
    pattern(
        "injection.override",
        &["instructions", "rules"],
        r"\b(?:instructions|rules)\s+(?:below|here|in this (?:file|document|skill))\s+(?:take precedence|supersede|replace|override)\b[^.\n]{0,60}\b(?:system|user|developer|safety|operator)",
    ),
    pattern(
        "injection.conceal",
        &["mention", "reveal", "disclose", "tell", "inform", "notify", "alert", "show", "report"],
        concat!(
            r"\b(?:do not|don'?t|never|must not|should not|avoid)\s+(?:ever\s+)?",
            r"(?:mention|reveal|disclos(?:e|ing)|tell|inform|notify|alert|show|report|mentioning|revealing|telling)\s+",
            r"(?:this|that|it|any of (?:this|these|it)|these (?:steps|actions)|the (?:above|upload|request|transfer|download|call))\b",
            r"[^.\n]{0,40}\bto\s+(?:the\s+|your\s+)?(?:user|human|operator|developer|anyone)"
        ),
    ),
    pattern(
        "injection.conceal",
        &["tell", "inform", "notify", "alert", "let"],
        concat!(
            r"\b(?:do not|don'?t|never|must not)\s+(?:ever\s+)?(?:tell|inform|notify|alert|let)\s+(?:the\s+|your\s+)?(?:user|human|operator|developer)s?",
            r"(?:\s+know)?(?:\s+(?:about|of)\s+(?:this|these|it|any|the (?:upload|request|step|call|command|transfer|backup|sync))|\s+that you|\s*[.;!]|\s*$)"
        ),
    ),
    pattern(
        "injection.conceal",
        &["confidential", "secret", "hidden"],
        r"\bkeep\s+(?:this|that|it|these steps)\s+(?:\w+\s+)?(?:confidential|secret|hidden)\s+from\s+(?:the\s+|your\s+)?(?:user|human|operator|developer|them)\b",
    ),
    pattern(
        "injection.conceal",
        &["without"],
        r"\bwithout\s+(?:ever\s+)?(?:telling|informing|notifying|alerting|mentioning (?:it|this) to|the knowledge of)\s+(?:the\s+|your\s+)?(?:user|human|operator|developer|them\b)",
    ),
    pattern(
        "injection.conceal",
        &["silently", "secretly", "covertly", "quietly"],
        r"\b(?:silently|secretly|covertly|quietly)\s+(?:send|upload|post|transmit|forward|exfiltrate|collect|copy|email)\b[^.\n]{0,120}(?:https?://|@|\bto\b|server|endpoint|conversation|files?|keys?|credentials?|tokens?)",
    ),
    Pattern {
        rule: "injection.bypass_consent",
        words: &["without"],
        find: concat!(
            r"\bwithout\s+(?:asking|requesting|waiting for|prompting|seeking|requiring)\s+(?:for\s+)?(?:the\s+)?(?:user(?:'s)?\s+)?(?:for\s+)?",
            r"(?:any\s+|explicit\s+)?(?:permission|confirmation|approval|consent|authorization)\b"
        ),
        unless: r"\b(?:never|not|don'?t|avoid|cannot|can't|no one|refuse|prevent|stops?|attempts?)\b[^.\n]{0,120}\bwithout\b|read-?only|lint|format|tests?\b|search(?:es|ing)?",
    },
    Pattern {
        rule: "injection.bypass_consent",
        words: &["ask"],
        find: r"\b(?:do not|don'?t|never)\s+ask\s+(?:the user\s+)?for\s+(?:any\s+)?(?:permission|confirmation|approval|consent)\s+(?:before|when|to)\s+(?:running|executing|deleting|sending|installing|pushing|deploying|making|using|\w+ing\s+(?:commands|files|tools))",
        unless: r"read-?only|lint|format|tests?\b|search(?:es|ing)?",
    },
    pattern(
        "injection.bypass_consent",
        &["approve", "skip", "always answer", "always say", "bypass", "confirm"],
        concat!(
            r"\b(?:auto-?approve|automatically approve|always approve|skip|bypass|suppress)\s+(?:all|any|every|the)\s+(?:[\w-]+\s+){0,2}",
            r"(?:permission|confirmation|approval|consent|security)\s+(?:prompt|check|dialog|request|warning|gate|question)s?\b|\balways\s+(?:answer|say|reply|confirm(?: with)?)\s+[\x22'`]?yes\b"
        ),
    ),
    pattern(
        "injection.authority",
        &["im_start", "<|system", "[inst]", "<<sys>>", "system override", "system message]", "system]", "override>"],
        concat!(
            r"<\|im_start\|>\s*system|<\|system\|>|(?-i:\[INST\]|<<SYS>>|\[SYSTEM(?: OVERRIDE| MESSAGE| NOTE)?\])",
            r"|\bSYSTEM OVERRIDE\b|<(?:admin|anthropic|developer|system)[_-]override>"
        ),
    ),
    pattern(
        "injection.authority",
        &["anthropic", "openai", "system administrator", "security team"],
        r"\b(?:this is|message from|on behalf of|approved by|authorized by)\s+(?:the\s+)?(?:anthropic|openai|system administrator|security team)\b[^.\n]{0,120}\b(?:you must|you are (?:required|authorized|permitted)|comply|pre-?approved|grants?)\b",
    ),
    pattern(
        "injection.remote_instructions",
        &["http"],
        concat!(
            r"\b(?:fetch|download|read|load|retrieve|get|curl|open|visit|check|pull)\b[^\n]{0,100}\bhttps?://[^\s)>\x22'`]+[^\n]{0,60}\b(?:follow|execute|obey|run|apply|carry out|perform)\s+",
            r"(?:(?:all|any|every|the|its|their|whatever|each|those|these|exactly)\s+)*(?:instructions?|commands?|directions?|directives?|orders|it says|you find there|tasks?)"
        ),
    ),
    pattern(
        "injection.remote_instructions",
        &["http"],
        r"\b(?:follow|execute|obey|carry out)\s+(?:(?:all|any|every|the|whatever|latest|current)\s+)*(?:instructions?|commands?|directives?|orders|tasks?)\s+(?:\w+\s+){0,4}(?:at|from|on|in|hosted at|served by)\s+[<`(]?https?://",
    ),
    pattern(
        "injection.remote_instructions",
        &["http"],
        concat!(
            r"\b(?:instructions|rules|orders|prompt|tasks)\s+(?:are|is|live|wait|can be found)\s+(?:at|on|under|hosted at)\s+[<`(]?https?://",
            r"|https?://[^\s)>\x22'`]+[^\n]{0,60}\bdo\s+(?:exactly\s+)?(?:as|what)\s+(?:it|they|the (?:page|file|text))\s+says?\b"
        ),
    ),
    pattern(
        "injection.persona",
        &["you are now", "developer mode", "no longer", "unrestricted", "jailbroken"],
        concat!(
            r"\byou are (?:now\s+)?(?:DAN\b|in (?:developer|debug|god|maintenance) mode|(?:an? )?unrestricted|jailbroken|no longer (?:bound|restricted|limited|subject))",
            r"|\b(?:enter|enable|switch to)\s+(?:unrestricted|jailbreak|god)\s+mode\b|\bact as an? (?:unrestricted|unfiltered|uncensored)\b"
        ),
    ),
    pattern(
        "injection.prompt_leak",
        &["system prompt", "hidden instructions", "initial instructions", "developer message"],
        concat!(
            r"\b(?:reveal|repeat|leak|dump|print out|send|output|paste|append|include)\s+(?:the\s+|your\s+)?(?:\w+\s+){0,2}(?:system prompt|hidden instructions|initial instructions|developer message)",
            r"[^.\n]{0,60}\b(?:verbatim|word for word|in full|entire|to\s+https?://|in (?:your|the) (?:reply|answer|response|output))"
        ),
    ),
    pattern(
        "injection.send_secrets",
        &[
            "ssh",
            "id_rsa",
            "aws/credentials",
            ".env",
            "api key",
            "credential",
            "token",
            "password",
            "environment variable",
            "private key",
            "seed phrase",
            "secret",
            "conversation",
        ],
        concat!(
            r"\b(?:read|cat|open|collect|gather|copy|include|append|encode|find|take|grab)\b[^\n]{0,120}",
            r"(?:\.ssh\b|id_rsa|id_ed25519|\.aws/credentials|\.env\b|api keys?|credentials?|tokens?|passwords?|environment variables|private keys?|seed phrases?|secrets)",
            r"[^\n]{0,120}\b(?:send|post|upload|transmit|forward|submit|exfiltrate|curl|email)\b[^\n]{0,60}(?:https?://|to (?:our|this|that) (?:server|endpoint|webhook|url|host|address))"
        ),
    ),
    pattern(
        "injection.send_secrets",
        &["send", "post", "upload", "transmit", "forward", "submit"],
        concat!(
            r"\b(?:send|post|upload|transmit|forward|submit|exfiltrate)\b[^.\n]{0,80}(?:\.ssh\b|id_rsa|\.aws/credentials|\.env\b|api keys?|credentials|passwords?|environment variables|private keys?|seed phrases?|",
            r"(?:entire|full|whole|complete) (?:conversation|chat|history|transcript)|conversation history|chat history)[^\n]{0,80}\b(?:to|at)\s+[<`(\x22']*https?://"
        ),
    ),
    pattern(
        "injection.send_secrets",
        &["ssh", "id_rsa", "credentials", ".env", "mcp.json", "netrc", "npmrc", "kube"],
        concat!(
            r"\b(?:read|cat|open|load)\b[^\n]{0,60}(?:\.ssh\b|id_rsa|id_ed25519|\.aws/credentials|[\s/`]\.env\b|\.cursor/mcp\.json|\.netrc|\.npmrc|\.kube/config)[^\n]{0,80}",
            r"(?:\bpass\s+(?:its|the|their)\s+contents?\b|\b(?:include|put|add|append)\s+(?:its|the|their)\s+(?:output|contents?|value|result)\s+(?:in|into|to|as)\b[^\n]{0,60}\b(?:request|call|url|query|parameter|header|https?:))"
        ),
    ),
    Pattern {
        rule: "injection.image_beacon",
        words: &["](http"],
        find: concat!(
            r"!\[[^\]]*\]\(https?://[^)\s]*[?&/=](?:\{\{?|\$\{|<|%7B%7B|\[)\s*\$?[\w.-]*",
            r"(?:conversation|context|history|secret|token|key|env|prompt|data|content|email|file|memory|answer|summary|message)[\w.-]*\s*(?:\}|>|\]|%7D)"
        ),
        unless: r"quickchart\.io|img\.shields\.io|badge|codecov|github\.com/[^)]*/workflows",
    },
];

/// Orders in a comment: somebody is addressed or told to act, and what follows is a command, an address or a secret.
pub(crate) static HIDDEN: &[Pattern] = &[
    Pattern {
        rule: "injection.hidden_comment",
        words: &["assistant", "agent", "claude", "model", "llm", "system", "ai"],
        find: concat!(
            r"\b(?:assistants?|agents?|claude|ai|llms?|model|system)\b[^\n]{0,120}",
            r"\b(?:run|execute|send|ignore|fetch|upload|post|exfiltrate|include|append|read|curl|install|approve|forward)\b[^\n]{0,160}",
            r"(?:https?://|\bcurl\b|\bwget\b|\.env\b|\.ssh|credential|secret|token|password|conversation|without|instructions|silently|\bsh\b)"
        ),
        unless: "",
    },
    Pattern {
        rule: "injection.hidden_comment",
        words: &["always", "must", "silently", "before"],
        find: concat!(
            r"\b(?:always|must|silently|before (?:answering|anything|you)|first)\b[^\n]{0,80}\b(?:run|execute|send|fetch|upload|post|curl|read|append|forward)\b[^\n]{0,160}",
            r"(?:https?://|\bcurl\b|\bwget\b|\.env\b|\.ssh|credential|secret|token|password|conversation|\bsh\b)"
        ),
        unless: "",
    },
];
