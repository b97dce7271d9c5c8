//! Components in text: small, and hostile in one way each.

/// A component of the world, whose `run` has the given body, in a module with the given fields, beside the given imports.
fn component(imports: &str, fields: &str, body: &str) -> Vec<u8> {
    let text = format!(
        r#"(component
            {imports}
            (core module $module
                (memory (export "memory") 1)
                {fields}
                (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
                (func $run (export "run") (param i32 i32) (result i32) {body}))
            (core instance $instance (instantiate $module))
            (type $record (record (field "code" string) (field "message" string)))
            (export $failure "failure" (type $record))
            (func (export "run") (param "input" string) (result (result string (error $failure)))
                (canon lift (core func $instance "run") (memory (core memory $instance "memory")) (realloc (core func $instance "realloc")))))"#
    );
    wat::parse_str(text).expect("is a component")
}

/// Answers `null`.
pub fn honest() -> Vec<u8> {
    importing("")
}

/// Answers `null`, and imports something.
pub fn importing(imports: &str) -> Vec<u8> {
    // The result lies at 16: no error, a string of 4 bytes at 32.
    let fields = r#"(data (i32.const 16) "\00\00\00\00\20\00\00\00\04\00\00\00") (data (i32.const 32) "null")"#;
    component(imports, fields, "(i32.const 16)")
}

pub fn endless_loop() -> Vec<u8> {
    component("", "", "(loop $again (br $again)) (unreachable)")
}

/// Calls itself in its last step, which takes no stack.
pub fn endless_tail_calls() -> Vec<u8> {
    component("", "", "(return_call $run (local.get 0) (local.get 1))")
}

/// Begins to compute before anybody has called it.
pub fn endless_start() -> Vec<u8> {
    component("", "(func $start (loop $again (br $again))) (start $start)", "(unreachable)")
}

/// Grows its memory page by page, whatever the answer.
pub fn memory_bomb() -> Vec<u8> {
    component("", "", "(loop $again (drop (memory.grow (i32.const 16))) (br $again)) (unreachable)")
}

/// Wants several memories, each of them within the limit.
pub fn memories(pages: u32) -> Vec<u8> {
    let module = format!("(core module $other (memory {pages}))");
    let instances = "(core instance (instantiate $other))".repeat(3);
    component(&format!("{module}{instances}"), "", "(unreachable)")
}

/// Grows its table, whatever the answer.
pub fn table_bomb() -> Vec<u8> {
    let body = "(loop $again (drop (table.grow $table (ref.null func) (i32.const 1000))) (br $again)) (unreachable)";
    component("", "(table $table 1 funcref)", body)
}

/// Its table has a maximum of its own; beyond it the module is told no, as the specification says, and answers `-1`.
pub fn own_maximum() -> Vec<u8> {
    let fields = r#"(data (i32.const 16) "\00\00\00\00\20\00\00\00\02\00\00\00") (data (i32.const 32) "-1")"#;
    let fields = format!("(table $table 1 10 funcref) {fields}");
    let body = "(if (i32.ne (table.grow $table (ref.null func) (i32.const 100)) (i32.const -1)) (then (unreachable))) (i32.const 16)";
    component("", &fields, body)
}

/// Begins with a memory of so many pages.
pub fn large_memory(pages: u32) -> Vec<u8> {
    component(
        &format!("(core module $other (memory {pages})) (core instance (instantiate $other))"),
        "",
        "(unreachable)",
    )
}

pub fn large_table() -> Vec<u8> {
    component("", "(table 1000000 funcref)", "(unreachable)")
}

pub fn deep_recursion() -> Vec<u8> {
    component("", "", "(call $run (local.get 0) (local.get 1))")
}

pub fn traps() -> Vec<u8> {
    component("", "", "(i32.div_u (i32.const 1) (i32.const 0))")
}

/// A function of some MiB.
pub fn huge_function() -> Vec<u8> {
    component("", "", &format!("{} (i32.const 0)", "(drop (i32.const 0))".repeat(500_000)))
}

/// More functions than are compiled.
pub fn many_functions() -> Vec<u8> {
    component("", &"(func)".repeat(100_001), "(i32.const 0)")
}

/// A component of the world of commands, which is not that of plugins.
pub fn another_world() -> Vec<u8> {
    wat::parse_str(r#"(component (core module $m (func (export "f"))) (core instance $i (instantiate $m)) (func (export "go") (canon lift (core func $i "f"))))"#)
        .expect("is a component")
}

pub fn core_module() -> Vec<u8> {
    wat::parse_str("(module (func))").expect("is a module")
}
