"""gcp-storage-emulator with the precondition it lacks: an upload with ifGenerationMatch=0 answers 412 if the object is
there, https://cloud.google.com/storage/docs/request-preconditions. It answers one request at a time."""

from http import HTTPStatus
from typing import Any

from gcp_storage_emulator.exceptions import NotFound
from gcp_storage_emulator.handlers import objects

_insert = objects.insert


def _insert_if_absent(request: Any, response: Any, storage: Any, *args: Any, **kwargs: Any) -> None:
    wanted = request.query.get("ifGenerationMatch")
    if wanted and wanted != [_generation(request, storage)]:
        response.status = HTTPStatus.PRECONDITION_FAILED
        response.json({"error": {"code": 412, "message": "conditionNotMet"}})
    else:
        _insert(request, response, storage, *args, **kwargs)


def _generation(request: Any, storage: Any) -> str:
    """Of the object that the request would replace; 0 without one."""
    name = (request.query.get("name") or [None])[0] or request.data["meta"]["name"]
    try:
        return str(storage.get_file_obj(request.params["bucket_name"], name)["generation"])
    except NotFound:
        return "0"


objects.insert = _insert_if_absent

if __name__ == "__main__":
    from gcp_storage_emulator.__main__ import main  # its routes take the functions as they are now

    main()
