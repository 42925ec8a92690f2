"""Human handoff, the desk: agents, their queue, console and API, and notices to the outside."""
