//! The engine: what of WebAssembly exists here, the pool that instances live in, and the ticks that interrupt them.

use std::{thread, time::Duration};

use souk_ports::sandbox::MAX_MEMORY_MIB;
use wasmtime::{Config, Engine, InstanceAllocationStrategy, ModuleVersionStrategy, PoolingAllocationConfig};

use crate::settings::Settings;

/// How often a component that computes is interrupted.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// Elements of one table. A compiled JavaScript engine needs some ten thousand.
pub(crate) const TABLE_ELEMENTS: usize = 100_000;

/// Core instances, linear memories and tables of one run. Components made of one program need a handful; of Python, whose libraries and stubs of
/// WASI are modules of their own, 38 instances.
const CORE_INSTANCES: u32 = 64;
const MEMORIES: u32 = 4;
const TABLES: u32 = 8;

/// Stack of a component, and the whole stack that it and what the host does for it run on.
const WASM_STACK: usize = 512 << 10;
const STACK: usize = 2 << 20;

/// Makes the engine and starts its ticks, which end with it.
pub(crate) fn engine(settings: &Settings) -> wasmtime::Result<Engine> {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .max_wasm_stack(WASM_STACK)
        .async_stack_size(STACK)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool(settings)))
        .module_version(ModuleVersionStrategy::WasmtimeVersion)?
        // What compilers for components emit stays (tail calls: the interpreter of JavaScript is written with them); the rest is surface without use. The proposals that are not named here (threads, garbage
        // collection, exceptions, stack switching, the component model's async) are not compiled in or off by default.
        .wasm_memory64(false)
        .wasm_relaxed_simd(false)
        .wasm_wide_arithmetic(false)
        .wasm_custom_page_sizes(false)
        .wasm_component_model_map(false)
        .wasm_component_model_memory64(false)
        .wasm_component_model_fixed_length_lists(false)
        .wasm_component_model_implements(false);
    let engine = Engine::new(&config)?;
    let weak = engine.weak();
    thread::Builder::new().name("sandbox-ticks".into()).spawn(move || {
        while let Some(engine) = weak.upgrade() {
            engine.increment_epoch();
            drop(engine);
            thread::sleep(TICK);
        }
    })?;
    Ok(engine)
}

fn pool(settings: &Settings) -> PoolingAllocationConfig {
    let runs = u32::try_from(settings.runs).unwrap_or(u32::MAX);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(runs)
        .total_core_instances(runs.saturating_mul(CORE_INSTANCES))
        .total_memories(runs.saturating_mul(MEMORIES))
        .total_tables(runs.saturating_mul(TABLES))
        .total_stacks(runs)
        .max_core_instances_per_component(CORE_INSTANCES)
        .max_memories_per_component(MEMORIES)
        .max_tables_per_component(TABLES)
        .max_memory_size((MAX_MEMORY_MIB as usize) << 20)
        .table_elements(TABLE_ELEMENTS)
        // A slot that nobody uses keeps no memory: what a run had is given back to the system.
        .linear_memory_keep_resident(0)
        .table_keep_resident(0)
        .async_stack_keep_resident(0)
        .decommit_batch_size(1);
    pool
}
