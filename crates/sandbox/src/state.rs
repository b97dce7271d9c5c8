//! What a store holds: the state of one run, and the linkers that say which functions of the host exist for it.

use std::{path::Path, sync::Arc};

use rand::{SeedableRng, rngs::ChaCha20Rng};
use sha2::{Digest, Sha256};
use wasmtime::{
    Engine,
    component::{HasData, Linker, ResourceTable},
};
use wasmtime_wasi::{
    FsPerms, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView,
    cli::{WasiCli, WasiCliView as _},
    clocks::{WasiClocks, WasiClocksView as _},
    filesystem::{WasiFilesystem, WasiFilesystemCtxView, WasiFilesystemView as _},
    p2::bindings::{cli, clocks, filesystem, io, random},
    random::WasiRandom,
};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::{
    files::{Files, HasFiles, Temp},
    limits::Memory,
    outbound::Outbound,
    output::Captured,
    settings::Settings,
};

/// Things of the host's that a run may hold at once: open files, streams, requests.
const HANDLES: usize = 1_000;

/// Random bytes of one call.
const RANDOM: u64 = 64 << 10;

/// The state of one run.
pub(crate) struct State {
    table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    outbound: Outbound,
    temp: Temp,
    pub(crate) memory: Memory,
}

/// What a run sees of the machine.
pub(crate) struct Surroundings<'a> {
    pub(crate) plugin: Option<&'a Path>,
    pub(crate) shared: Option<&'a Path>,
    pub(crate) temp: Option<&'a Path>,
    pub(crate) secrets: &'a [(String, String)],
    pub(crate) seed: u64,
    pub(crate) stdout: Captured,
    pub(crate) stderr: Captured,
}

impl State {
    pub(crate) fn new(
        settings: &Settings,
        memory: Memory,
        outbound: Outbound,
        surroundings: &Surroundings<'_>,
    ) -> wasmtime::Result<Self> {
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES);
        let mut http = WasiHttpCtx::new();
        // Counted as they lie in memory, which is more than on the wire.
        http.set_field_size_limit(settings.http.headers.saturating_mul(2));
        let mut wasi = WasiCtxBuilder::new();
        wasi.stdout(surroundings.stdout.clone())
            .stderr(surroundings.stderr.clone())
            .envs(surroundings.secrets)
            .max_random_size(RANDOM)
            .secure_random(generator(surroundings.seed, "random"))
            .insecure_random(generator(surroundings.seed, "insecure"))
            .insecure_random_seed(u128::from_le_bytes(half(derived(surroundings.seed, "insecure-seed"))));
        if let Some(path) = surroundings.plugin {
            wasi.preopened_dir(path, "/plugin", FsPerms::ReadOnly)?;
        }
        if let Some(path) = surroundings.shared {
            wasi.preopened_dir(path, "/shared", FsPerms::ReadOnly)?;
        }
        if let Some(path) = surroundings.temp {
            wasi.preopened_dir(path, "/tmp", FsPerms::ReadWrite)?;
        }
        Ok(Self { table, wasi: wasi.build(), http, outbound, temp: Temp::new(settings.temp), memory })
    }

    fn files(&mut self) -> Files<'_> {
        let stock = WasiFilesystemCtxView { ctx: self.wasi.filesystem(), table: &mut self.table };
        Files { stock, temp: self.temp.clone() }
    }
}

/// Numbers for one purpose, the same for the same seed on every machine and in every version.
fn generator(seed: u64, purpose: &str) -> ChaCha20Rng {
    ChaCha20Rng::from_seed(derived(seed, purpose))
}

fn derived(seed: u64, purpose: &str) -> [u8; 32] {
    Sha256::new().chain_update(seed.to_le_bytes()).chain_update(purpose).finalize().into()
}

fn half(bytes: [u8; 32]) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&bytes[..16]);
    half
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.outbound, table: &mut self.table, ctx: &mut self.http }
    }
}

struct HasTable;

impl HasData for HasTable {
    type Data<'a> = &'a mut ResourceTable;
}

/// The functions of the host: for components that reach no host, and for those that do.
pub(crate) struct Linkers {
    plain: Linker<State>,
    http: Linker<State>,
}

impl Linkers {
    pub(crate) fn new(engine: &Engine) -> wasmtime::Result<Arc<Self>> {
        let plain = base(engine)?;
        let mut http = base(engine)?;
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut http)?;
        Ok(Arc::new(Self { plain, http }))
    }

    pub(crate) fn of(&self, http: bool) -> &Linker<State> {
        if http { &self.http } else { &self.plain }
    }
}

/// One line an interface, so that it is seen what there is. Sockets are not.
fn base(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    let l = &mut linker;
    io::error::add_to_linker::<State, HasTable>(l, |state| &mut state.table)?;
    io::poll::add_to_linker::<State, HasTable>(l, |state| &mut state.table)?;
    io::streams::add_to_linker::<State, HasTable>(l, |state| &mut state.table)?;
    clocks::wall_clock::add_to_linker::<State, WasiClocks>(l, State::clocks)?;
    clocks::monotonic_clock::add_to_linker::<State, WasiClocks>(l, State::clocks)?;
    random::random::add_to_linker::<State, WasiRandom>(l, |state| state.wasi.random())?;
    random::insecure::add_to_linker::<State, WasiRandom>(l, |state| state.wasi.random())?;
    random::insecure_seed::add_to_linker::<State, WasiRandom>(l, |state| state.wasi.random())?;
    filesystem::preopens::add_to_linker::<State, WasiFilesystem>(l, State::filesystem)?;
    filesystem::types::add_to_linker::<State, HasFiles>(l, State::files)?;
    cli::exit::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::environment::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::stdin::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::stdout::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::stderr::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_input::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_output::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_stdin::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_stdout::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_stderr::add_to_linker::<State, WasiCli>(l, State::cli)?;
    Ok(linker)
}
