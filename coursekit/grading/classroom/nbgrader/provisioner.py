"""Sandboxed kernels for any Jupyter client: nbclient, nbconvert, a notebook server.

A kernelspec asks for one by name::

    {"argv": ["unused"], "display_name": "Sandbox", "language": "python", "interrupt_mode":
    "message",
     "metadata": {"kernel_provisioner": {"provisioner_name": "coursekit-sandbox", "config": {}}}}

Interrupts travel as messages, because a signal would end bubblewrap instead of reaching the kernel.
"""

from __future__ import annotations

import asyncio
import signal
from typing import Any

from jupyter_client.provisioning.provisioner_base import KernelProvisionerBase

from coursekit.grading.inside.kernel_main import CHANNELS
from coursekit.grading.protocol.kernel import Launch, sandboxed
from coursekit.grading.protocol.sockets import KernelSockets
from coursekit.grading.sandbox import Limits, Mounts, require_sandbox

__all__ = ["SandboxProvisioner"]


class SandboxProvisioner(KernelProvisionerBase):
    """Starts each kernel under bubblewrap, on sockets that are bound here and inherited there."""

    _launch: Launch | None = None
    _sockets: KernelSockets | None = None

    @property
    def has_process(self) -> bool:
        """Whether a kernel was started and not yet ended."""
        return self._launch is not None

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Bind the sockets and tell the kernel manager where they are."""
        require_sandbox()
        self._sockets = KernelSockets()
        manager: Any = self.parent
        manager.transport, manager.ip = "ipc", self._sockets.prefix
        for port, channel in enumerate(CHANNELS, start=1):
            setattr(manager, f"{channel}_port", port)
        prepared: dict[str, Any] = await super().pre_launch(
            cmd=manager.format_kernel_cmd(), **kwargs
        )
        return prepared

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Start the kernel; the kernelspec's own command is not used."""
        if self._sockets is None:
            raise RuntimeError("pre_launch comes first")
        limits = Limits()
        manager: Any = self.parent
        order = {"key": manager.session.key.decode(), "limits": limits.of_process(), "files": {}}
        self._launch = sandboxed(order, self._sockets.descriptors, Mounts(), limits)
        self._sockets.release()
        self.connection_info = manager.get_connection_info(session=False)
        return dict(self.connection_info)

    async def poll(self) -> int | None:
        """Return None while the kernel runs."""
        return None if self._launch is not None and self._launch.is_alive() else 0

    async def wait(self) -> int | None:
        """Wait for the kernel's end."""
        while await self.poll() is None:
            await asyncio.sleep(0.05)
        await self._end()
        return 0

    async def send_signal(self, signum: int) -> None:
        """End the kernel; any gentler signal would not arrive."""
        if signum in {signal.SIGTERM, signal.SIGKILL}:
            await self._end()

    async def kill(self, restart: bool = False) -> None:
        """End the kernel."""
        await self._end()

    async def terminate(self, restart: bool = False) -> None:
        """End the kernel."""
        await self._end()

    async def cleanup(self, restart: bool = False) -> None:
        """Leave nothing behind."""
        await self._end()

    async def _end(self) -> None:
        launch, self._launch = self._launch, None
        if launch is not None:
            launch.end()
        if self._sockets is not None:
            self._sockets.close()
