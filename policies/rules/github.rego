# METADATA
# title: GitHub
# description: |
#   What agents may do with GitHub's REST API. They may read and comment. A merge is held for a maintainer, and a
#   deletion is blocked. Rules match GitHub's published paths.
package rules.github

is_read if input.action.method in {"GET", "HEAD"}

# ["repos", owner, repository, …]
below_repository := array.slice(input.action.segments, 3, count(input.action.segments)) if {
	input.action.segments[0] == "repos"
	count(input.action.segments) > 3
}

repository := concat("/", array.slice(input.action.segments, 1, 3))

is_conversation if below_repository == ["issues"]

is_conversation if ["issues", _, "comments"] = below_repository

is_conversation if ["pulls", _, "comments"] = below_repository

allow contains {"rule": "read"} if is_read

allow contains {"rule": "conversation"} if {
	input.action.method == "POST"
	is_conversation
}

hold contains {
	"rule": "merge",
	"reason": $"Merging pull request {number} into {repository} changes what is released.",
	"reviewers": ["maintainers"],
	"respond_within": "2h",
	"expires_in": "8h",
	"editable": ["/commit_title", "/commit_message"],
	"reversible": true,
} if {
	input.action.method == "PUT"
	["pulls", number, "merge"] = below_repository
}

block contains {
	"rule": "delete",
	"reason": $"Agents may not delete anything on GitHub: {input.action.path} stays.",
} if {
	input.action.method == "DELETE"
}
