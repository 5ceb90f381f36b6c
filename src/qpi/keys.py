"""Keys: what each key of the definition files means, in one sentence."""

from collections.abc import Mapping

from pydantic import BaseModel

from qpi import checklist, policy, portfolio
from qpi.config import Config
from qpi.messages import template

_SHARED = {
    "specialty": template("The trade that the points belong to, such as 客服 or 消防; posts and figures go by it."),
    "category": template("The category within the specialty, such as 客户档案."),
    "scope": template(
        "Which projects the points are for: every attribute named must have one of the values; without it all."
    ),
    "except": template("Which projects are left out: those in which every attribute named has one of the values."),
    "methods": template("How a check may be made; a check by another method does not conform. Without it any."),
    "how": template("What the inspector does, step by step: where to go, what to draw, what to compare."),
    "sample": template("What is sampled, and at least how many of it."),
    "variants": template(
        "Other ways of checking in projects with certain attributes, the phase say; the first that fits holds."
    ),
    "minutes": template("How many minutes one look takes; the load of roles and people is counted from it."),
    "frequency": template("Who must look how often, by role; a role that is not named owes nothing."),
}
_NAMED = {"id": template("The id in records, letters and digits; never given to another.")}
_SPAN = {"from": template("The first day."), "to": template("The last day; without it, until further notice.")}

KEYS: Mapping[type[BaseModel], Mapping[str, str]] = {
    Config: {
        "organisation": template("The company, as it stands on notices and reports."),
        "timezone": template("The zone in which a day begins and ends."),
        "ledger": template(
            "Where the ledger is kept: sqlite:/// and a file, relative to this one, or postgresql://user@host/database."
        ),
        "checklists": template("The folder with the editions, or a list of files."),
        "portfolio": template("The file with projects, people and posts."),
        "policy": template("The file with the settings of the indicators; it may be missing."),
    },
    checklist.Edition: {
        "catalogue": template("The name of the catalogue, the same in all its editions."),
        "edition": template("The label of this edition; an edition that checks were judged by is never changed."),
        "title": template("The title on handbook, notices and reports."),
        "effective_from": template("The 1st of the month from which on checks are judged by this edition."),
        "roles": template("Roles beside the five built-in ones, each with its title and level."),
        "methods": template("Methods beside the built-in ones, each with its title."),
        "groups": template("The groups of points, in the order of the handbook."),
    },
    checklist.Role: {
        "title": template("What people call the role."),
        "level": template(
            "To what the role owes its duties: project, company, or an attribute of projects such as region."
        ),
    },
    checklist.Group: {
        "name": template(
            "The name of the group; its points share all that stands beside it unless they say otherwise."
        ),
        "points": template("The points, each with a code of its own."),
        **_SHARED,
    },
    checklist.Point: {
        "code": template("The code, unique among all catalogues; a code whose meaning changes becomes another."),
        "text": template("What is required: one sentence that can be judged on site."),
        "score": template("What the point is worth, with at most two decimals; without it no score is counted."),
        "mystery_visit": template("▼: a mystery visit may look at it."),
        "executive_check": template("◎: the executive must look at it; give executive a frequency then."),
        "elements": template("The numbered parts ①②… of the point."),
        "measure": template("What is measured, and the limits within which it must lie."),
        **_SHARED,
    },
    checklist.Element: {
        "no": template("The number of the element; records name it."),
        "text": template("What this part requires."),
        "scope": template("Which projects this part is for; without it all of the point's."),
        "except": template("Which projects this part leaves out."),
    },
    checklist.Sample: {
        "of": template("What is sampled, such as 客户档案."),
        "minimum": template("How many at least; a population that is smaller is looked at whole."),
    },
    checklist.Variant: {
        "when": template("The attributes of the projects that this is for."),
        "how": template("What the inspector does there instead."),
        "methods": template("How a check may be made there instead."),
        "sample": template("What is sampled there instead."),
    },
    checklist.Measure: {
        "of": template("What is measured, such as 到场用时."),
        "unit": template("The unit of the readings, such as 分钟 or %."),
        "min": template("The least that is allowed, itself allowed."),
        "max": template("The most that is allowed, itself allowed."),
    },
    checklist.Ask: {
        "every": template("How often: 1次/月 or 1/month; 不固定 for no duty."),
        "share": template("Which part of the projects a company role must reach in each window, such as 50%."),
    },
    portfolio.Portfolio: {
        "projects": template("All projects, also those that are no longer served."),
        "people": template("People by id; the ledger keeps ids only, so a name is erased here."),
        "parties": template("Teams and contractors that can be responsible."),
        "posts": template("Who holds which role where, and when."),
        "waivers": template("Duties that are excused, with reason and approver."),
    },
    portfolio.Project: {
        **_NAMED,
        "name": template("The name on notices and reports."),
        "opened": template("The first day of service; without it, always."),
        "closed": template("The first day that is no longer served."),
        "attributes": template("What scopes go by: type, phase, region, or words of your own."),
        "changes": template("Attributes that change from a day on; those that are not named stay."),
    },
    portfolio.Change: {
        "from": template("The day from which on the attributes hold."),
        "attributes": template("The attributes that change."),
    },
    portfolio.Person: {**_NAMED, "name": template("The name; it stands in no record.")},
    portfolio.Party: {
        **_NAMED,
        "name": template("The name on notices."),
        "kind": template("What it is: team, contractor, or a word of your own."),
    },
    portfolio.Post: {
        "role": template("The role that is held."),
        "person": template("The id of the person."),
        "project": template("The project in which it is held; without it, all."),
        "realm": template("The realm in which it is held, such as a region; without it, all."),
        "specialty": template("The specialty for which it is held; without it, all."),
        **_SPAN,
    },
    portfolio.Waiver: {
        "project": template("The project that is excused."),
        "points": template("The codes that are excused; without them, all points."),
        "role": template("The role that is excused; without it, all roles."),
        "from": template("The first day that is excused."),
        "to": template("The last day that is excused."),
        "reason": template("Why; an auditor reads it."),
        "approved_by": template("The id of whoever approved it."),
    },
    policy.Policy: {
        "floors": template("From which rate on an indicator is met; none for an indicator without a floor."),
        "overfulfilment": template("Whether more than was required is capped (credited) or counted as it is (raw)."),
        "days": template(
            "Whether a daily duty is owed on every day (calendar) or from Monday to Friday (working); for all or by role."
        ),
        "counts_for_duty": template("The kinds of check that fulfil duties."),
        "closure": template("Which findings the closure rate counts."),
        "verification_by": template("Who may verify: anybody but the person responsible, or not the inspector either."),
        "traceability": template("The fields that make a check traceable."),
        "mix_minimum": template(
            "How many checks at least for a verdict on the ratios of suggestions, rectifications, deductions."
        ),
        "close_after": template("How many days after its end a period is judged, and can be closed."),
        "score_floor": template("Whether a check's score stops at zero, or may fall below it (none)."),
        "grades": template("The service grades: bands of the score rate, the best first."),
        "evidence": template("How large an evidence file may be."),
    },
    policy.Closure: {
        "kinds": template("The kinds of finding that must be closed."),
        "population": template("Findings raised in the period, or those due in it."),
    },
    policy.Traceability: {
        "check": template("The fields that every check must bear."),
        "finding": template("The fields that every finding must bear."),
    },
    policy.EvidenceFiles: {
        "megabytes": template("The largest file that is kept, in millions of bytes."),
        "megapixels": template("The largest image that is kept, in millions of pixels."),
    },
    policy.Grade: {
        "from": template("The score rate from which on this grade is given."),
        "name": template("The name of the grade."),
        "text": template("What service of this grade is like; it stands in the handbook."),
    },
}
"""The meaning of every key, by the model that the key stands in."""
