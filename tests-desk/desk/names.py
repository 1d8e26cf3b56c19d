"""Made-up names of servers, people and repositories, some of them awkward."""

WHAT = (
    "parking booking payroll invoice inventory ticket calendar badge printer travel expense "
    "contract recruit training canteen fleet meter alarm sensor backup dns certificate vault "
    "mailbox directory survey wiki forecast budget shipment customs warehouse"
).split()
HOW = "reader search sync bridge gateway assistant report history lookup".split()

AWKWARD = {
    5: "mcp-" + "a-name-that-takes-every-character-there-is-" * 5 + "and-ends-here",
    17: "خادم-حجز-القاعات",
    29: "שרת-תלושי-שכר",
    41: "mcp-Überstundenübersichtsauswertungsdienst",
    53: "сервис-бронирования",
    65: "mcp <script>alert(1)</script>",
    77: "🚗 mcp-parking",
    274: "mcp-" + "very-long-pending-name-" * 10,
    281: "خادم-الأرشيف (mcp-archive)",
    288: "שרת-הזמנות mcp-orders",
}

OWNERS = [
    "github.com/intility",
    "github.com/example",
    "gitlab.com/platform/tools",
    "git.example/Team-Nord",
    "github.com/finance-and-controlling-department",
    "git.example/r-and-d/experiments/2026",
]

DEVELOPERS = [
    "kari@example.com",
    "alex@example.com",
    "ola.nordmann@example.com",
    "maria-fernanda.goncalves-de-almeida@subsidiary.example",
    "li.wei@example.com",
    "bo@example.com",
]

REVIEWERS = [
    "Morgan <morgan@example.com>",
    "Kim <kim@example.com>",
    "Robin Øverland <robin@example.com>",
    "platform@example.com",
]

NOTES_APPROVED = [
    "",
    "Good to go.",
    "FP-31 is fixed. Good to go.",
    "Fine. Please rotate the client secret before the first production call.",
    "Approved for internal data only.\n\n- no personal data\n- egress stays limited to the booking system",
]

NOTES_REJECTED = [
    "FP-31 is a high finding without a decision.",
    "The token is kept in a file. Use the vault.",
    "Phase 3 is empty. Name who is on call, and try the rollback:\n\n"
    "1. deploy the version before\n2. see that sessions survive\n3. note how long it took",
    "Not yet: the tool `delete_booking` is destructive and says it is not.",
]


def names(number: int) -> str:
    """Return the name of the server of a report."""
    plain = f"mcp-{WHAT[number % len(WHAT)]}-{HOW[number // len(WHAT) % len(HOW)]}"
    return AWKWARD.get(number, plain)
