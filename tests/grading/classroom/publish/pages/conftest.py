"""A real browser."""

import pytest
from playwright.sync_api import sync_playwright

from coursekit.commands.doctor.machine import SERVICES

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
]


@pytest.fixture(scope="module")
def browser():
    program = SERVICES["chromium"].find()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()
