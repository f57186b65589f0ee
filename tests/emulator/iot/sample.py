"""The call of the documentation's sample."""

from collections.abc import Callable

import httpx

Send = Callable[..., httpx.Response]
SAMPLE = {
    "ProductKey": "a1Le6d0****",
    "ModuleName": "barcodeScanner",
    "AliasName": "Barcode_scanner",
    "Desc": "The firmware module of the barcode scanner.",
}
