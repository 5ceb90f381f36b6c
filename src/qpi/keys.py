"""Keys: what each key of the definition files means, in one sentence."""

from collections.abc import Mapping

from pydantic import BaseModel

from qpi import checklist, policy, portfolio
from qpi.config import Config
from qpi.messages import Message, say

_SHARED = {
    "specialty": say("The trade that the points belong to, such as 客服 or 消防; posts and figures go by it."),
    "category": say("The category within the specialty, such as 客户档案."),
    "scope": say(
        "Which projects the points are for: every attribute named must have one of the values; without it all."
    ),
    "except": say("Which projects are left out: those in which every attribute named has one of the values."),
    "methods": say("How a check may be made; a check by another method does not conform. Without it any."),
    "how": say("What the inspector does, step by step: where to go, what to draw, what to compare."),
    "sample": say("What is sampled, and at least how many of it."),
    "variants": say(
        "Other ways of checking in projects with certain attributes, the phase say; the first that fits holds."
    ),
    "minutes": say("How many minutes one look takes; the load of roles and people is counted from it."),
    "frequency": say("Who must look how often, by role; a role that is not named owes nothing."),
}
_NAMED = {"id": say("The id in records, letters and digits; never given to another.")}
_SPAN = {"from": say("The first day."), "to": say("The last day; without it, until further notice.")}

KEYS: Mapping[type[BaseModel], Mapping[str, Message]] = {
    Config: {
        "organisation": say("The company, as it stands on notices and reports."),
        "timezone": say("The zone in which a day begins and ends."),
        "ledger": say("Where the ledger is kept: sqlite:/// and a file, relative to this one."),
        "checklists": say("The folder with the editions, or a list of files."),
        "portfolio": say("The file with projects, people and posts."),
        "policy": say("The file with the settings of the indicators; it may be missing."),
    },
    checklist.Edition: {
        "catalogue": say("The name of the catalogue, the same in all its editions."),
        "edition": say("The label of this edition; an edition that checks were judged by is never changed."),
        "title": say("The title on handbook, notices and reports."),
        "effective_from": say("The 1st of the month from which on checks are judged by this edition."),
        "roles": say("Roles beside the five built-in ones, each with its title and level."),
        "methods": say("Methods beside the built-in ones, each with its title."),
        "groups": say("The groups of points, in the order of the handbook."),
    },
    checklist.Role: {
        "title": say("What people call the role."),
        "level": say("To what the role owes its duties: project, company, or an attribute of projects such as region."),
    },
    checklist.Group: {
        "name": say("The name of the group; its points share all that stands beside it unless they say otherwise."),
        "points": say("The points, each with a code of its own."),
        **_SHARED,
    },
    checklist.Point: {
        "code": say("The code, unique among all catalogues; a code whose meaning changes becomes another."),
        "text": say("What is required: one sentence that can be judged on site."),
        "score": say("What the point is worth, with at most two decimals; without it no score is counted."),
        "mystery_visit": say("▼: a mystery visit may look at it."),
        "executive_check": say("◎: the executive must look at it; give executive a frequency then."),
        "elements": say("The numbered parts ①②… of the point."),
        "measure": say("What is measured, and the limits within which it must lie."),
        **_SHARED,
    },
    checklist.Element: {
        "no": say("The number of the element; records name it."),
        "text": say("What this part requires."),
        "scope": say("Which projects this part is for; without it all of the point's."),
        "except": say("Which projects this part leaves out."),
    },
    checklist.Sample: {
        "of": say("What is sampled, such as 客户档案."),
        "minimum": say("How many at least; a population that is smaller is looked at whole."),
    },
    checklist.Variant: {
        "when": say("The attributes of the projects that this is for."),
        "how": say("What the inspector does there instead."),
        "methods": say("How a check may be made there instead."),
        "sample": say("What is sampled there instead."),
    },
    checklist.Measure: {
        "of": say("What is measured, such as 到场用时."),
        "unit": say("The unit of the readings, such as 分钟 or %."),
        "min": say("The least that is allowed, itself allowed."),
        "max": say("The most that is allowed, itself allowed."),
    },
    checklist.Ask: {
        "every": say("How often: 1次/月 or 1/month; 不固定 for no duty."),
        "share": say("Which part of the projects a company role must reach in each window, such as 50%."),
    },
    portfolio.Portfolio: {
        "projects": say("All projects, also those that are no longer served."),
        "people": say("People by id; the ledger keeps ids only, so a name is erased here."),
        "parties": say("Teams and contractors that can be responsible."),
        "posts": say("Who holds which role where, and when."),
        "waivers": say("Duties that are excused, with reason and approver."),
    },
    portfolio.Project: {
        **_NAMED,
        "name": say("The name on notices and reports."),
        "opened": say("The first day of service; without it, always."),
        "closed": say("The first day that is no longer served."),
        "attributes": say("What scopes go by: type, phase, region, or words of your own."),
        "changes": say("Attributes that change from a day on; those that are not named stay."),
    },
    portfolio.Change: {
        "from": say("The day from which on the attributes hold."),
        "attributes": say("The attributes that change."),
    },
    portfolio.Person: {**_NAMED, "name": say("The name; it stands in no record.")},
    portfolio.Party: {
        **_NAMED,
        "name": say("The name on notices."),
        "kind": say("What it is: team, contractor, or a word of your own."),
    },
    portfolio.Post: {
        "role": say("The role that is held."),
        "person": say("The id of the person."),
        "project": say("The project in which it is held; without it, all."),
        "realm": say("The realm in which it is held, such as a region; without it, all."),
        "specialty": say("The specialty for which it is held; without it, all."),
        **_SPAN,
    },
    portfolio.Waiver: {
        "project": say("The project that is excused."),
        "points": say("The codes that are excused; without them, all points."),
        "role": say("The role that is excused; without it, all roles."),
        "from": say("The first day that is excused."),
        "to": say("The last day that is excused."),
        "reason": say("Why; an auditor reads it."),
        "approved_by": say("The id of whoever approved it."),
    },
    policy.Policy: {
        "floors": say("From which rate on an indicator is met; none for an indicator without a floor."),
        "overfulfilment": say("Whether more than was required is capped (credited) or counted as it is (raw)."),
        "days": say(
            "Whether a daily duty is owed on every day (calendar) or from Monday to Friday (working); for all or by role."
        ),
        "counts_for_duty": say("The kinds of check that fulfil duties."),
        "closure": say("Which findings the closure rate counts."),
        "verification_by": say("Who may verify: anybody but the person responsible, or not the inspector either."),
        "traceability": say("The fields that make a check traceable."),
        "mix_minimum": say(
            "How many checks at least for a verdict on the ratios of suggestions, rectifications, deductions."
        ),
        "score_floor": say("Whether a check's score stops at zero, or may fall below it (none)."),
        "grades": say("The service grades: bands of the score rate, the best first."),
    },
    policy.Closure: {
        "kinds": say("The kinds of finding that must be closed."),
        "population": say("Findings raised in the period, or those due in it."),
    },
    policy.Traceability: {
        "check": say("The fields that every check must bear."),
        "finding": say("The fields that every finding must bear."),
    },
    policy.Grade: {
        "from": say("The score rate from which on this grade is given."),
        "name": say("The name of the grade."),
        "text": say("What service of this grade is like; it stands in the handbook."),
    },
}
"""The meaning of every key, by the model that the key stands in."""
