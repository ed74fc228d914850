"""What a driver raises, as one of two errors: the database is away, or it refuses this data."""

from __future__ import annotations

from typing import Any

from cds_service.errors import StorageError

BAD_DATA = frozenset({"22", "23"})  # SQLSTATE classes: data exception, integrity violation


class RefusedRowError(Exception):
    """The database works and refuses this data; trying again will not help."""


class translated:
    """Turns whatever a driver raises into StorageError or RefusedRowError, without the statement and its values."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        if error is None or isinstance(error, StorageError | RefusedRowError):
            return
        if _is_about_data(error):
            raise RefusedRowError(_name(error)) from None
        if isinstance(error, OSError) or _is_of_driver(error) or _is_sqlalchemys(error, "SQLAlchemyError"):
            raise StorageError(f"the database does not answer as it should ({_name(error)})") from None


def _is_about_data(error: BaseException) -> bool:
    if isinstance(error, ValueError | TypeError | OverflowError):
        return not isinstance(error, OSError)
    if _is_sqlalchemys(error, "IntegrityError", "DataError"):
        return True
    if _is_sqlalchemys(error, "DBAPIError"):
        return str(getattr(getattr(error, "orig", None), "sqlstate", None) or "")[:2] in BAD_DATA
    return _is_sqlalchemys(error, "StatementError")


def _is_sqlalchemys(error: BaseException, *names: str) -> bool:
    """By name: SQLAlchemy is loaded only where it is needed."""
    return any(kind.__module__ == "sqlalchemy.exc" and kind.__name__ in names for kind in type(error).__mro__)


def _is_of_driver(error: BaseException) -> bool:
    return type(error).__module__.partition(".")[0] in ("asyncpg", "sqlite3", "aiosqlite")


def _name(error: BaseException) -> str:
    """The kind of error. Never its text: that may quote the values of a row."""
    cause = getattr(error, "orig", None) or error
    inner = cause.__cause__ or cause
    return getattr(inner, "sqlite_errorname", None) or type(inner).__name__
