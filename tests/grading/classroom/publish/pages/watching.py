"""Watch a page in a real browser: what it asks for, what it says, what it runs."""

import re

HIDDEN = re.compile(
    r"[\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff\U000e0000-\U000e007f]"
)


class Watched:
    """A page in a real browser, and everything that it tried."""

    def __init__(self, browser, file, scheme="light"):
        self.context = browser.new_context(color_scheme=scheme)
        self.page = self.context.new_page()
        self.dialogs, self.requests, self.errors = [], [], []
        self.page.on(
            "dialog", lambda dialog: (self.dialogs.append(dialog.message), dialog.dismiss())
        )
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.errors.append(message.text))
        self.page.on("popup", lambda popup: self.dialogs.append(popup.url))
        self.page.goto(file.as_uri(), wait_until="load")
        self.page.wait_for_timeout(300)

    def handle(self):
        """Do what a reader might do: click and hover over everything, press Tab through the
        page.
        """
        for link in self.page.locator("a, button, summary, input").all()[:40]:
            link.click(timeout=2000)
        for cell in self.page.locator("td, li, h1").all()[:40]:
            cell.hover(timeout=2000)
        for _ in range(10):
            self.page.keyboard.press("Tab")
        self.page.wait_for_timeout(200)

    @property
    def fetched(self):
        return [url for url in self.requests if not url.startswith(("file:", "data:"))]
