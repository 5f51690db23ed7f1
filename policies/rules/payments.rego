# METADATA
# title: Payments
# description: |
#   What agents may do with a Stripe-like payments API. They may read. Small refunds are allowed, larger ones are held
#   for finance, and very large ones are blocked. Every other write is blocked until there is a rule for it.
package rules.payments

# Amounts are in the currency's minor unit: 5000 is 50.00.
free_up_to := 5000

held_up_to := 100000

# The terms of every hold in this system, unless a rule says otherwise.
terms := {
	"reviewers": ["finance"],
	"respond_within": "10m",
	"escalate": [{"after": "10m", "to": ["finance-leads"]}],
	"expires_in": "30m",
}

# The terms of a refund, which cannot be undone.
refund_terms := object.union(terms, {
	"reversible": false,
	"editable": ["/amount"],
})

is_read if input.action.method in {"GET", "HEAD"}

# By path, because an OpenAPI document may give the operation another name.
is_refund if {
	input.action.method == "POST"
	input.action.segments == ["v1", "refunds"]
}

# The older way to refund: POST /v1/charges/{id}/refund.
is_refund if {
	input.action.method == "POST"
	["v1", "charges", _, "refund"] = input.action.segments
}

body := object.get(input.action, "body", {})

# A form carries "5000" where JSON carries 5000. Only digits are an amount: not -1, 5e3, 50.5 or ["5000"].
amount := to_number(digits) if {
	digits := $"{body.amount}"
	trim(digits, "0123456789") == ""
	count(digits) <= 12
}

# Any value counts, including null and false.
names_amount if body.amount

names_amount if body.amount == false

# The effect of the refund is unclear: an invalid amount, parameters outside the body, or a body of a type that policy
# cannot read.
is_unclear if not is_object(body)

is_unclear if {
	names_amount
	not amount
}

is_unclear if input.action.query != {}

is_unclear if {
	input.action.body_bytes > 0
	not input.action.body
}

allow contains {"rule": "read"} if is_read

# A refund costs what goes back to the customer. The account is kept in one currency.
cost := {"amount": amount / 100, "unit": "USD"}

allow contains {"rule": "small-refund", "cost": cost} if {
	is_refund
	amount <= free_up_to
}

hold contains object.union(refund_terms, {
	"rule": "refund-over-limit",
	"reason": $"A refund of {money(amount)} is over the {money(free_up_to)} that agents may refund by themselves.",
	"cost": cost,
}) if {
	is_refund
	amount > free_up_to
	amount <= held_up_to
}

hold contains object.union(refund_terms, {
	"rule": "refund-of-whole-charge",
	"reason": "The refund names no amount, so it would return the whole charge.",
}) if {
	is_refund
	not names_amount
}

block contains {
	"rule": "refund-too-large",
	"reason": $"A refund of {money(amount)} is over the {money(held_up_to)} that may go through an agent at all. Ask finance to make it.",
} if {
	is_refund
	amount > held_up_to
}

block contains {
	"rule": "unclear-refund",
	"reason": "The amount of a refund must be one whole number in the minor unit of its currency, and all parameters must be in a form or JSON body.",
} if {
	is_refund
	is_unclear
}

block contains {
	"rule": "other-write",
	"reason": $"Agents may read and refund payments, and no rule covers {input.action.operation}. Ask the policy's owner if it is needed.",
} if {
	not is_read
	not is_refund
}

# 123456 is 1234.56, without a currency, because the call names none.
money(minor) := $"{floor(minor / 100)}.{floor((minor % 100) / 10)}{minor % 10}"
