//! The files of a run. What may be read and written, and that no path and no link leads out of a folder, is `wasmtime-wasi`'s part; it
//! knows no limit of size, so everything that takes space goes through here first.
//!
//! Every operation is named, also those that only pass through: one that a later version adds does not compile until somebody has decided
//! whether it takes space.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use bytes::Bytes;
use souk_ports::SandboxError;
use wasmtime::component::{HasData, Resource};
use wasmtime_wasi::{
    filesystem::{Descriptor, WasiFilesystemCtxView},
    p2::{
        DynInputStream, DynOutputStream, FsError, FsResult, OutputStream, Pollable, StreamError, StreamResult,
        bindings::filesystem::types::{self, HostDescriptor, HostDirectoryEntryStream},
    },
};

/// What a file, folder or link takes beside its contents.
const NODE: u64 = 4096;

/// What a run may still take of its `/tmp`. Space is counted when it is taken and never given back: what is counted is at least what is there.
#[derive(Clone)]
pub(crate) struct Temp(Arc<AtomicU64>);

impl Temp {
    pub(crate) fn new(size: u64) -> Self {
        Self(Arc::new(AtomicU64::new(size)))
    }

    fn charge(&self, bytes: u64) -> Result<(), SandboxError> {
        let charged = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes));
        charged.map(|_| ()).map_err(|_| SandboxError::TempExceeded)
    }
}

/// By how much a file grows when `length` bytes are written at `offset`. Holes count: a file is charged by its size.
fn growth(file: &std::fs::File, offset: u64, length: u64) -> u64 {
    let size = file.metadata().map_or(0, |metadata| metadata.len());
    offset.saturating_add(length).saturating_sub(size)
}

/// The files of a run and what they may take.
pub(crate) struct Files<'a> {
    pub(crate) stock: WasiFilesystemCtxView<'a>,
    pub(crate) temp: Temp,
}

/// Says that [`Files`] is what `wasi:filesystem/types` works on.
pub(crate) struct HasFiles;

impl HasData for HasFiles {
    type Data<'a> = Files<'a>;
}

impl Files<'_> {
    fn file(&self, descriptor: &Resource<types::Descriptor>) -> FsResult<Option<Arc<std::fs::File>>> {
        match self.stock.table.get(descriptor)? {
            Descriptor::File(file) => Ok(Some(Arc::clone(&file.file))),
            Descriptor::Dir(_) => Ok(None),
        }
    }

    /// The same stream, counted.
    fn counted(
        &mut self,
        stream: Resource<DynOutputStream>,
        file: Option<Arc<std::fs::File>>,
        at: Option<u64>,
    ) -> FsResult<Resource<DynOutputStream>> {
        let Some(file) = file else { return Ok(stream) };
        let inner = self.stock.table.delete(stream)?;
        let counted: DynOutputStream = Box::new(Counted { inner, file, at, temp: self.temp.clone() });
        Ok(self.stock.table.push(counted)?)
    }
}

/// A stream into a file, at a position or (without one) at its end.
struct Counted {
    inner: DynOutputStream,
    file: Arc<std::fs::File>,
    at: Option<u64>,
    temp: Temp,
}

impl Counted {
    fn charge(&mut self, length: usize) -> StreamResult<()> {
        let length = length as u64;
        let bytes = self.at.map_or(length, |at| growth(&self.file, at, length));
        self.at = self.at.map(|at| at.saturating_add(length));
        self.temp.charge(bytes).map_err(|error| StreamError::Trap(error.into()))
    }
}

#[async_trait::async_trait]
impl Pollable for Counted {
    async fn ready(&mut self) {
        self.inner.ready().await;
    }
}

#[async_trait::async_trait]
impl OutputStream for Counted {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.charge(bytes.len())?;
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> StreamResult<()> {
        self.inner.flush()
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        self.inner.check_write()
    }

    async fn blocking_write_and_flush(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.charge(bytes.len())?;
        self.inner.blocking_write_and_flush(bytes).await
    }

    async fn cancel(&mut self) {
        self.inner.cancel().await;
    }
}

impl types::Host for Files<'_> {
    fn convert_error_code(&mut self, error: FsError) -> wasmtime::Result<types::ErrorCode> {
        types::Host::convert_error_code(&mut self.stock, error)
    }

    fn filesystem_error_code(
        &mut self,
        error: Resource<wasmtime::Error>,
    ) -> wasmtime::Result<Option<types::ErrorCode>> {
        types::Host::filesystem_error_code(&mut self.stock, error)
    }
}

impl HostDirectoryEntryStream for Files<'_> {
    async fn read_directory_entry(
        &mut self,
        stream: Resource<types::DirectoryEntryStream>,
    ) -> FsResult<Option<types::DirectoryEntry>> {
        HostDirectoryEntryStream::read_directory_entry(&mut self.stock, stream).await
    }

    fn drop(&mut self, stream: Resource<types::DirectoryEntryStream>) -> wasmtime::Result<()> {
        HostDirectoryEntryStream::drop(&mut self.stock, stream)
    }
}

impl HostDescriptor for Files<'_> {
    async fn advise(
        &mut self,
        fd: Resource<types::Descriptor>,
        offset: types::Filesize,
        len: types::Filesize,
        advice: types::Advice,
    ) -> FsResult<()> {
        HostDescriptor::advise(&mut self.stock, fd, offset, len, advice).await
    }

    async fn sync_data(&mut self, fd: Resource<types::Descriptor>) -> FsResult<()> {
        HostDescriptor::sync_data(&mut self.stock, fd).await
    }

    async fn get_flags(&mut self, fd: Resource<types::Descriptor>) -> FsResult<types::DescriptorFlags> {
        HostDescriptor::get_flags(&mut self.stock, fd).await
    }

    async fn get_type(&mut self, fd: Resource<types::Descriptor>) -> FsResult<types::DescriptorType> {
        HostDescriptor::get_type(&mut self.stock, fd).await
    }

    async fn set_size(&mut self, fd: Resource<types::Descriptor>, size: types::Filesize) -> FsResult<()> {
        if let Some(file) = self.file(&fd)? {
            self.temp.charge(growth(&file, 0, size)).map_err(FsError::trap)?;
        }
        HostDescriptor::set_size(&mut self.stock, fd, size).await
    }

    async fn set_times(
        &mut self,
        fd: Resource<types::Descriptor>,
        atim: types::NewTimestamp,
        mtim: types::NewTimestamp,
    ) -> FsResult<()> {
        HostDescriptor::set_times(&mut self.stock, fd, atim, mtim).await
    }

    async fn read(
        &mut self,
        fd: Resource<types::Descriptor>,
        len: types::Filesize,
        offset: types::Filesize,
    ) -> FsResult<(Vec<u8>, bool)> {
        HostDescriptor::read(&mut self.stock, fd, len, offset).await
    }

    async fn write(
        &mut self,
        fd: Resource<types::Descriptor>,
        buf: Vec<u8>,
        offset: types::Filesize,
    ) -> FsResult<types::Filesize> {
        if let Some(file) = self.file(&fd)? {
            self.temp.charge(growth(&file, offset, buf.len() as u64)).map_err(FsError::trap)?;
        }
        HostDescriptor::write(&mut self.stock, fd, buf, offset).await
    }

    async fn read_directory(
        &mut self,
        fd: Resource<types::Descriptor>,
    ) -> FsResult<Resource<types::DirectoryEntryStream>> {
        HostDescriptor::read_directory(&mut self.stock, fd).await
    }

    async fn sync(&mut self, fd: Resource<types::Descriptor>) -> FsResult<()> {
        HostDescriptor::sync(&mut self.stock, fd).await
    }

    async fn create_directory_at(&mut self, fd: Resource<types::Descriptor>, path: String) -> FsResult<()> {
        self.temp.charge(NODE).map_err(FsError::trap)?;
        HostDescriptor::create_directory_at(&mut self.stock, fd, path).await
    }

    async fn stat(&mut self, fd: Resource<types::Descriptor>) -> FsResult<types::DescriptorStat> {
        HostDescriptor::stat(&mut self.stock, fd).await
    }

    async fn stat_at(
        &mut self,
        fd: Resource<types::Descriptor>,
        path_flags: types::PathFlags,
        path: String,
    ) -> FsResult<types::DescriptorStat> {
        HostDescriptor::stat_at(&mut self.stock, fd, path_flags, path).await
    }

    async fn set_times_at(
        &mut self,
        fd: Resource<types::Descriptor>,
        path_flags: types::PathFlags,
        path: String,
        atim: types::NewTimestamp,
        mtim: types::NewTimestamp,
    ) -> FsResult<()> {
        HostDescriptor::set_times_at(&mut self.stock, fd, path_flags, path, atim, mtim).await
    }

    async fn link_at(
        &mut self,
        fd: Resource<types::Descriptor>,
        old_path_flags: types::PathFlags,
        old_path: String,
        new_descriptor: Resource<types::Descriptor>,
        new_path: String,
    ) -> FsResult<()> {
        self.temp.charge(NODE).map_err(FsError::trap)?;
        HostDescriptor::link_at(&mut self.stock, fd, old_path_flags, old_path, new_descriptor, new_path).await
    }

    async fn open_at(
        &mut self,
        fd: Resource<types::Descriptor>,
        path_flags: types::PathFlags,
        path: String,
        oflags: types::OpenFlags,
        flags: types::DescriptorFlags,
    ) -> FsResult<Resource<types::Descriptor>> {
        if oflags.contains(types::OpenFlags::CREATE) {
            self.temp.charge(NODE).map_err(FsError::trap)?;
        }
        HostDescriptor::open_at(&mut self.stock, fd, path_flags, path, oflags, flags).await
    }

    fn drop(&mut self, fd: Resource<types::Descriptor>) -> wasmtime::Result<()> {
        HostDescriptor::drop(&mut self.stock, fd)
    }

    async fn readlink_at(&mut self, fd: Resource<types::Descriptor>, path: String) -> FsResult<String> {
        HostDescriptor::readlink_at(&mut self.stock, fd, path).await
    }

    async fn remove_directory_at(&mut self, fd: Resource<types::Descriptor>, path: String) -> FsResult<()> {
        HostDescriptor::remove_directory_at(&mut self.stock, fd, path).await
    }

    async fn rename_at(
        &mut self,
        fd: Resource<types::Descriptor>,
        old_path: String,
        new_fd: Resource<types::Descriptor>,
        new_path: String,
    ) -> FsResult<()> {
        HostDescriptor::rename_at(&mut self.stock, fd, old_path, new_fd, new_path).await
    }

    async fn symlink_at(
        &mut self,
        fd: Resource<types::Descriptor>,
        src_path: String,
        dest_path: String,
    ) -> FsResult<()> {
        self.temp.charge(NODE).map_err(FsError::trap)?;
        HostDescriptor::symlink_at(&mut self.stock, fd, src_path, dest_path).await
    }

    async fn unlink_file_at(&mut self, fd: Resource<types::Descriptor>, path: String) -> FsResult<()> {
        HostDescriptor::unlink_file_at(&mut self.stock, fd, path).await
    }

    fn read_via_stream(
        &mut self,
        fd: Resource<types::Descriptor>,
        offset: types::Filesize,
    ) -> FsResult<Resource<DynInputStream>> {
        HostDescriptor::read_via_stream(&mut self.stock, fd, offset)
    }

    fn write_via_stream(
        &mut self,
        fd: Resource<types::Descriptor>,
        offset: types::Filesize,
    ) -> FsResult<Resource<DynOutputStream>> {
        let file = self.file(&fd)?;
        let stream = HostDescriptor::write_via_stream(&mut self.stock, fd, offset)?;
        self.counted(stream, file, Some(offset))
    }

    fn append_via_stream(&mut self, fd: Resource<types::Descriptor>) -> FsResult<Resource<DynOutputStream>> {
        let file = self.file(&fd)?;
        let stream = HostDescriptor::append_via_stream(&mut self.stock, fd)?;
        self.counted(stream, file, None)
    }

    async fn is_same_object(
        &mut self,
        a: Resource<types::Descriptor>,
        b: Resource<types::Descriptor>,
    ) -> wasmtime::Result<bool> {
        HostDescriptor::is_same_object(&mut self.stock, a, b).await
    }

    async fn metadata_hash(&mut self, fd: Resource<types::Descriptor>) -> FsResult<types::MetadataHashValue> {
        HostDescriptor::metadata_hash(&mut self.stock, fd).await
    }

    async fn metadata_hash_at(
        &mut self,
        fd: Resource<types::Descriptor>,
        path_flags: types::PathFlags,
        path: String,
    ) -> FsResult<types::MetadataHashValue> {
        HostDescriptor::metadata_hash_at(&mut self.stock, fd, path_flags, path).await
    }
}
