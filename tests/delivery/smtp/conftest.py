from tests.delivery.sending.conftest import unhurried

__all__ = ["unhurried"]
