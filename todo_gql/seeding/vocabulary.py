"""What people write down: the areas of a life, and the words for what there is to do in them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ListPlan:
    """A list that somebody keeps, with its sections; one that is done with is archived."""

    name: str
    color: str
    sections: tuple[str, ...] = ()
    is_archived: bool = False


@dataclass(frozen=True, slots=True)
class Area:
    """A part of somebody's life: its lists, what there is to do, with what, and the tags for it.

    `steps` are what a larger task is divided into.
    """

    lists: tuple[ListPlan, ...]
    steps: tuple[str, ...]
    tags: tuple[str, ...]
    tasks: tuple[str, ...]
    things: tuple[str, ...]
    remarks: tuple[str, ...]


AREAS = (
    Area(
        (
            ListPlan("Work", "#2563eb", ("This week", "Waiting for others", "Later")),
            ListPlan("Hiring", "#0891b2", ("Applications", "Interviews")),
            ListPlan("Office move", "#64748b", is_archived=True),
        ),
        (
            "Collect the figures",
            "Write a first draft",
            "Ask {person} for a review",
            "Agree on a date with {person}",
            "Send the final version",
        ),
        ("work", "meeting", "email", "report", "project", "client"),
        (
            "Prepare the slides for {thing}",
            "Answer {person} about {thing}",
            "Review {person}'s draft of {thing}",
            "Write up the notes on {thing}",
            "Ask {person} for the figures of {thing}",
            "Schedule a call with {person} on {thing}",
            "Send {thing} to {person}",
        ),
        (
            "the quarterly report",
            "the budget",
            "the hiring plan",
            "the product launch",
            "the customer survey",
            "offer {number}",
            "the contract for the new office",
            "the office move",
        ),
        (
            "{person} needs it before the weekend.",
            "The last version is in the shared folder.",
            "Keep it to one page.",
            "Agree on the next steps first.",
        ),
    ),
    Area(
        (
            ListPlan("Product", "#7c3aed", ("Next release", "In review", "Ideas")),
            ListPlan("Bugs", "#dc2626"),
        ),
        (
            "Reproduce it",
            "Write a failing test",
            "Find out when it began",
            "Ask {person} for a review",
            "Update the changelog",
        ),
        ("code", "bug", "review", "release", "documentation", "test"),
        (
            "Fix ticket {number}: {thing} fails",
            "Review {person}'s change to {thing}",
            "Write a test for {thing}",
            "Document {thing}",
            "Measure {thing} under load",
            "Ask {person} why {thing} was done this way",
            "Release {thing}",
        ),
        (
            "the login page",
            "the search",
            "the nightly import",
            "the mobile app",
            "the export to CSV",
            "the backup job",
            "pagination",
            "the settings page",
        ),
        (
            "It happens for about one user in a hundred.",
            "{person} saw it on ticket {number}, too.",
            "Worth a note in the changelog.",
            "Begin with a failing test.",
        ),
    ),
    Area(
        (
            ListPlan("Home", "#16a34a", ("Repairs", "Cleaning")),
            ListPlan("Garden", "#65a30d", ("Spring", "Autumn")),
        ),
        (
            "Measure everything",
            "Buy the material",
            "Borrow the tools from {person}",
            "Clear some space",
            "Tidy up afterwards",
        ),
        ("home", "garden", "repair", "cleaning", "kitchen"),
        (
            "Repair {thing}",
            "Clean {thing}",
            "Order parts for {thing}",
            "Get an offer for {thing}",
            "Ask {person} to help with {thing}",
            "Measure {thing}",
        ),
        (
            "the kitchen tap",
            "the gutters",
            "the bicycle",
            "the washing machine",
            "the garden shed",
            "the balcony door",
            "the smoke detectors",
            "the raised beds",
        ),
        (
            "The tools are in the cellar.",
            "{person} lends us the ladder.",
            "Not on a rainy day.",
            "Take pictures before.",
        ),
    ),
    Area(
        (
            ListPlan("Shopping", "#ea580c", ("Groceries", "Other shops")),
            ListPlan("Gift ideas", "#db2777"),
        ),
        (
            "Read some reviews",
            "Ask {person} which one to take",
            "Compare three shops",
            "Keep the receipt",
        ),
        ("shopping", "food", "gift", "errand"),
        (
            "Buy {thing}",
            "Pick up {thing}",
            "Compare prices of {thing}",
            "Return {thing}",
            "Find {thing} for {person}",
        ),
        (
            "coffee and oat milk",
            "a birthday present",
            "winter tyres",
            "a desk lamp",
            "order {number}",
            "running shoes",
            "the groceries for Sunday",
            "a book on typography",
        ),
        (
            "The shop closes at six.",
            "{person} knows a good place.",
            "The receipt is in the drawer.",
            "Not more than 80 altogether.",
        ),
    ),
    Area(
        (
            ListPlan("Family", "#ca8a04", ("School", "Weekends")),
            ListPlan("Travel", "#0d9488", ("Before leaving", "Packing")),
            ListPlan("Taxes of last year", "#64748b", is_archived=True),
        ),
        (
            "Find the papers",
            "Make an appointment",
            "Compare the offers",
            "Confirm with {person}",
            "Note the costs",
        ),
        ("health", "family", "sport", "travel", "finance"),
        (
            "Book {thing}",
            "Pay {thing}",
            "Cancel {thing}",
            "Talk to {person} about {thing}",
            "Remind {person} of {thing}",
            "Plan {thing}",
        ),
        (
            "the dentist",
            "invoice {number}",
            "the summer holiday",
            "the tax return",
            "the school trip",
            "train tickets to Lisbon",
            "the gym membership",
            "grandmother's birthday",
        ),
        (
            "The number is {number}.",
            "{person} comes along.",
            "It can be done online.",
            "Check the opening hours.",
        ),
    ),
)
ANYWHERE = ("today", "waiting", "someday", "idea")
PEOPLE = (
    *("Ada", "Amara", "Bilal", "Bruno", "Chiara", "Dmitri", "Elif", "Emeka", "Fatima", "Goran"),
    *("Hana", "Ines", "Jonas", "Kofi", "Lea", "Linh", "Mateo", "Mei", "Nadia", "Noor", "Oskar"),
    *("Priya", "Rosa", "Sanjay", "Siiri", "Tariq", "Uma", "Viktor", "Yara", "Zofia"),
)
