"""GoogleSQL's own analyzer and reference implementation as a function call: zetasql's WASM module, compiled once."""

import ctypes
import os
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import wasmtime
from google.protobuf.message import Message
from zetasql.core.exceptions import ServerError
from zetasql.core.wasm_client import get_tzinfo_dir
from zetasql.wasi import get_wasm_path

CACHE = Path(__file__).resolve().parents[2] / ".otelmart" / "cache"
WASI = "wasi_snapshot_preview1"
# The evaluator asks for the time at every row, so the clock is WebAssembly too: a call into Python took 7/8 of a query.
# A clock writes into zetasql's memory, which exists only once zetasql knows whom to ask: the table names it later.
TIME_QUESTION = """
(module
  (type $clock (func (param i32 i64 i32) (result i32)))
  (table (export "answer") 1 funcref)
  (func (export "clock_time_get") (type $clock)
    (call_indirect (type $clock) (local.get 0) (local.get 1) (local.get 2) (i32.const 0))))
"""
STOPPED_CLOCK = """
(module
  (import "zetasql" "memory" (memory 1 65536 shared))
  (func (export "clock_time_get") (param i32 i64 i32) (result i32)
    (i64.store (local.get 2) (i64.const {nanoseconds}))
    (i32.const 0)))
"""
Response = TypeVar("Response", bound=Message)


class EngineCrash(Exception):
    """The module gave up on a query (a failed check inside zetasql, or its memory is full)."""


class Engine:
    """One instance of the module. `clock_us` (µs since 1970, UTC) is the only clock that its queries see."""

    def __init__(self, clock_us: int) -> None:
        self.clock_us = clock_us
        self._start()

    def _start(self) -> None:
        self._store = wasmtime.Store(module_engine())
        self._store.set_wasi(_wasi())
        linker = wasmtime.Linker(module_engine())
        linker.define_wasi()
        linker.allow_shadowing = True
        question = self._add(linker, WASI, wasmtime.Module(module_engine(), TIME_QUESTION))
        self._exports = self._add(linker, "zetasql", compiled_module())
        self._memory = self._exports["memory"]
        clock = wasmtime.Module(module_engine(), STOPPED_CLOCK.format(nanoseconds=self.clock_us * 1000))
        question["answer"].set(self._store, 0, self._add(linker, "clock", clock)["clock_time_get"])
        self._exports["_initialize"](self._store)

    def _add(self, linker: wasmtime.Linker, name: str, module: wasmtime.Module) -> Any:
        """Exports of a new instance, which later modules import from `name`."""
        instance = linker.instantiate(self._store, module)
        linker.define_instance(self._store, name, instance)
        return instance.exports(self._store)

    def call(self, method: str, request: Message, response: type[Response]) -> Response:
        """Answer of one `ZetaSqlLocalService` method. Raises zetasql's ServerError with GoogleSQL's own message, and
        EngineCrash, after which the engine is as new."""
        try:
            return response.FromString(self._answer(method, request.SerializeToString()))
        except wasmtime.Trap as trap:
            self._start()
            raise EngineCrash(f"zetasql crashed in {method}: {str(trap).rstrip().splitlines()[-1].strip()}") from None

    def _answer(self, method: str, data: bytes) -> bytes:
        request_at, size_at = self._malloc(len(data)), self._malloc(4)
        self._write(request_at, data)
        answer_at = self._exports[f"ZetaSqlLocalService_{method}"](self._store, request_at, len(data), size_at)
        size = int.from_bytes(self._read(size_at, 4), "little")
        self._free(request_at)
        self._free(size_at)
        if answer_at == 0:
            raise ServerError.from_error_string(self._last_error())
        answer = self._read(answer_at, size)
        self._free(answer_at)
        return answer

    def _malloc(self, size: int) -> int:
        address: int = self._exports["wasm_malloc"](self._store, size)
        return address & 0xFFFFFFFF

    def _free(self, address: int) -> None:
        self._exports["wasm_free"](self._store, address)

    def _last_error(self) -> str:
        size = self._exports["wasm_get_last_error_size"](self._store)
        return self._read(self._exports["wasm_get_last_error"](self._store), size).decode()

    def _write(self, address: int, data: bytes) -> None:
        ctypes.memmove(_base(self._memory) + address, data, len(data))

    def _read(self, address: int, size: int) -> bytes:
        return ctypes.string_at(_base(self._memory) + (address & 0xFFFFFFFF), size)


def _base(memory: wasmtime.SharedMemory) -> int:
    return ctypes.addressof(memory.data_ptr().contents)


@cache
def module_engine() -> wasmtime.Engine:
    config = wasmtime.Config()
    config.shared_memory = True
    return wasmtime.Engine(config)


@cache
def compiled_module() -> wasmtime.Module:
    """zetasql's module in machine code: half a minute to compile, so kept under `.otelmart/cache` for the next run."""
    kept = CACHE / f"zetasql-{version('zetasql')}-wasmtime-{version('wasmtime')}.cwasm"
    if not kept.exists():
        _keep(kept, wasmtime.Module.from_file(module_engine(), get_wasm_path()).serialize())
    return wasmtime.Module.deserialize_file(module_engine(), str(kept))


def _keep(path: Path, data: bytes) -> None:
    """Write by rename, so that two runs that start together both find a whole file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}")
    part.write_bytes(data)
    part.replace(path)


def _wasi() -> wasmtime.WasiConfig:
    wasi = wasmtime.WasiConfig()
    wasi.inherit_stderr()
    wasi.preopen_dir(get_tzinfo_dir(), "/usr/share/zoneinfo")
    return wasi
