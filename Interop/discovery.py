# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""What our gateway tells about its routes, read by the SDK's own code and by a validator of OpenAPI."""
from __future__ import annotations

from typing import Any

from openapi_spec_validator import validate
from x402.extensions.bazaar import (
    extract_discovery_info,
    validate_discovery_extension,
    validate_discovery_extension_spec,
    with_bazaar,
)
from x402.extensions.bazaar.types import parse_discovery_extension
from x402.http import FacilitatorConfig, HTTPFacilitatorClientSync
from x402.schemas import PaymentRequirements

from checks import expect
from market import Market, Server
from sdk import PaymentSigner, decode

CITY = "/cities/paris"
LISTED = {"/exact", "/other", "/before", "/signed", "/cities/:city", "/search/:var1"}


def expect_discovered(market: Market, server: Server) -> None:
    """Every document is valid, and they agree with each other and with the 402."""
    origin = server.recorder.url
    expect_bazaar(market, server)
    expect_directory(origin)
    openapi = server.recorder.get("/openapi.json", []).json()
    validate(openapi)
    expect(openapi["servers"] == [{"url": origin}], f"the servers are {openapi['servers']}")
    operation = openapi["paths"]["/cities/{city}"]["get"]
    expect([(p["name"], p["in"]) for p in operation["parameters"]] == [("city", "path"), ("units", "query")], f"{operation}")
    expect(operation["x-payment-info"]["price"] == {"mode": "fixed", "currency": "USD", "amount": "0.01"}, f"{operation}")
    expect("/free" not in openapi["paths"], "a free route is listed unasked")
    well_known = server.recorder.get("/.well-known/x402", []).json()
    expect(well_known["version"] == 1 and f"{origin}/cities/{{city}}" in well_known["resources"], f"{well_known}")
    text = server.recorder.get("/llms.txt", [])
    expect(text.status == 200 and f"]({origin}/cities/{{city}}): 0.01 USDC on eip155:84532. Weather by city" in text.body.decode(),
           f"llms.txt is {text.body!r}")


def expect_bazaar(market: Market, server: Server) -> None:
    """The SDK finds the extension in a 402 valid, and a facilitator would list the resource by a payment for it."""
    required = server.recorder.get(CITY, [("Accept", "application/json")]).response["payment-required"]
    challenge = decode(required)
    entry = challenge["extensions"]["bazaar"]
    expect_valid(entry)
    expect(entry["routeTemplate"] == "/cities/:city", f"the template is {entry['routeTemplate']}")
    info = parse_discovery_extension(entry).info
    expect(info.input.path_params == {"city": "paris"} and info.input.query_params == {"units": "metric"}, f"{info}")
    expect(info.output is not None and info.output.example == {"celsius": 15.5}, f"{info}")
    payment = decode(PaymentSigner(market.kit.accounts["payer"], required).identified()[0])
    found = extract_discovery_info(payment, PaymentRequirements.model_validate(payment["accepted"]))
    assert found
    expect(found.resource_url == f"{server.recorder.url}/cities/:city" and found.method == "GET", f"listed as {found}")
    expect(found.description == "Weather by city" and found.mime_type == "application/json", f"listed as {found}")


def expect_directory(origin: str) -> None:
    """The SDK's client of directories reads ours, page by page."""
    client = with_bazaar(HTTPFacilitatorClientSync(FacilitatorConfig(url=origin)))
    everything = client.extensions.bazaar.list_resources()
    expect({item.resource.removeprefix(origin) for item in everything.items} == LISTED, f"the directory has {everything.items}")
    for item in everything.items:
        expect_valid((item.extensions or {})["bazaar"])
        for accepted in item.accepts or []:
            PaymentRequirements.model_validate(accepted)
    expect(everything.pagination.total == 7, f"the pages are {everything.pagination}")


def expect_valid(entry: dict[str, Any]) -> None:
    """An entry of the extension keeps the protocol, and its info its schema."""
    for result in (validate_discovery_extension_spec(entry), validate_discovery_extension(parse_discovery_extension(entry))):
        expect(result.valid, f"{result.errors}: {entry}")
