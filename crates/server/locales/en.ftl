### The words of the pages. Names, conclusions and reasons are never translated.

## Frame

skip = Skip to the content
menu = Menu
places = Places
search = Search
search-hint = Candidate, phone, order, application
choose-tenant = Change the hirer
my-account = My account
sign-out = Sign out
today = Today
orders = Orders
review = Review
close = Close
copy = Copy
copied = Copied
optional = (optional)
theme-system = As the system
theme-light = Light
theme-dark = Dark

## Keys

keys = Keys
keys-search = Search
keys-next = Next report
keys-previous = Report before
keys-approve = Approve
keys-reject = Send back
keys-withdraw = Withdraw
keys-help = Show the keys

## Times

just-now = just now
minutes-ago = { $count ->
    [one] { $count } minute ago
   *[other] { $count } minutes ago
}
hours-ago = { $count ->
    [one] { $count } hour ago
   *[other] { $count } hours ago
}
yesterday = yesterday { $it }
for-minutes = { $count ->
    [one] { $count } minute
   *[other] { $count } minutes
}
for-hours = { $count ->
    [one] { $count } hour
   *[other] { $count } hours
}
for-days = { $count ->
    [one] { $count } day
   *[other] { $count } days
}
for-days-hours = { $days ->
    [one] { $days } day
   *[other] { $days } days
} { $hours ->
    [one] { $hours } hour
   *[other] { $hours } hours
}

## States, and what was done

state = State
state-arranged = Under way
state-in-review = In review
state-review-withdrawn = Review withdrawn
state-rejected = Sent back
state-completed = Completed
state-terminated = Terminated
did-placed = Placed
did-progress = The vendor reported progress
did-result = Result returned
did-canceled = Cancelled by the vendor
did-terminated = Terminated
did-approved = Approved
did-rejected = Sent back to the vendor
did-withdrawn = Review withdrawn
did-review-overdue = Nobody decided in time
conclusion-of-vendor = The vendor's conclusion
erased = Erased
event-account = Account bound
event-placed = Check placed
event-terminated = Check terminated
delivery-held = Held
delivery-due = Due
delivery-delivered = Delivered
delivery-exhausted = Not delivered
delivery-paused = Paused

## Reports

reports = Reports
report-stage = Stage report
report-final = Final report
report-pending = Being fetched
report-pending-why = The report is being fetched from the vendor and checked. It is shown here when that is done.
report-stored = Checked
report-flagged = Take care
report-failed = Not fetched
report-linked = Preview link
report-linked-why = The vendor gave a preview link only. Its content is not stored here.
report-erased-why = The report was erased at the end of its retention, for good.
report-open-there = Open at the vendor's
report-open = Open in a new tab
report-save = Download
report-version = { $count ->
   *[other] version { $count }
}
report-none = No report yet
report-none-why = Reports that the vendor attaches to progress and results are shown here.
report-not-yours = Your role does not see reports
report-not-yours-why = You see progress and state as before. If you need results and reports, ask your admin.

## Today

today-waiting = Waiting for my decision
today-moved = Placed by me, moved within three days
today-more = { $count ->
    [one] { $count } more report waits in review
   *[other] { $count } more reports wait in review
}
today-empty = Nothing waits for you today.
today-empty-why = Reports that need your decision, and orders of yours that moved, are shown here.
see-orders = See the orders

## The list of orders

all = All
candidate = Candidate
package-and-vendor = Package · vendor
latest = Latest
conclusion = Conclusion
placed = Placed
pages = Pages
orders-on-page = { $count ->
    [one] { $count } order on this page
   *[other] { $count } orders on this page
}
first-page = First page
next-page = Next page
export-csv = Export CSV
orders-total = { $total ->
    [one] { $total } order
   *[other] { $total } orders
}, { $waiting } in review
account = Account
package = Package
any = All
anybody = Anybody
placed-by-whom = Placed by
placed-by-me = Me
filter = Filter
filter-clear = Clear
search-for = Search: { $it }
search-none = Nothing found
search-none-why = Search for a candidate's name or a part of it, a phone number, an email address, an application or an order id.
orders-none = No orders yet
orders-none-why = Once a background check is placed, its progress, result and reports are shown here.
orders-none-here = No orders fit
orders-none-here-why = Choose another state, or see all orders.
orders-all = See all orders

## One order

progress = Progress
candidate-and-order = Candidate and order
mobile = Mobile
email = Email
additional-items = Additional items
client-contact = Contact
application = Application
location = Place of work
comment = Remark
placed-by = placed by { $it }
parts = Parts of the order
timeline = Timeline
sent = What was sent
deliveries = Deliveries
deliveries-none = Nothing about this order was delivered yet.
views = Who looked
views-none = Nobody has looked at this order's reports yet.
evidence = Evidence
evidence-none = No evidence yet: it is made by itself once the first report is fetched.
evidence-why = A signed list of every report that was stored for this order, each with its SHA-256; it holds no content.
evidence-verify = Verify it without a server:
nothing-yet = Nothing is recorded yet.
order-erased-why = The order's personal data and reports were erased at the end of their retention, for good. Its id, states and times stay.
key-of-api = key { $it }
link-of-app = the vendor's link, { $it }
link-of-somebody = a signed link
attempt = { $count ->
   *[other] attempt { $count }
}
step-result = Result returned: { $it }
next-result = The vendor returns a result
next-review = Review
next-corrected = The vendor corrects it
more = More
says-in-review = The vendor returned a result
says-may-decide = It waits for a decision. You may decide.
says-waits = It waits for an approver's decision.
says-four-eyes = You placed this order, so somebody else has to decide.
says-approved = { $it } approved it
says-rejected = { $it } sent it back to the vendor
says-withdrawn = The review was withdrawn. The vendor may return another result.
says-withdrawn-by = { $it } withdrew the review

## Review

decide = Review
approve = Approve
reject = Send back
withdraw = Withdraw review
terminate = Terminate the check
review-waiting = { $count ->
    [one] { $count } report waits
   *[other] { $count } reports wait
}
review-waiting-more = { $count ->
   *[other] more than { $count } reports wait
}
review-longest = the longest for { $it }
review-empty = No report waits for review
review-empty-why = Once a vendor returns a result, its report is shown here; the one that waits longest comes first.
keys-step = to step
result-number = { $count ->
   *[other] result no. { $count }
}
whole-order = See the order
words-of-decision = Comment (needed to send it back)
reason-is-missing = Say why it goes back, so that the vendor can correct it.
newer-result = The vendor returned another result while you looked. Read the new report first; what you typed is below.
your-words-are-here = What you typed was not sent. It is below, to be copied.
common-reasons = Common reasons
reason-1 = An additional item is missing from the report. Please add it.
reason-2 = A conclusion has no source. Please say where it comes from.
reason-3 = It differs from the candidate's resume. Please check again.

## My account

language = Language
language-as-browser = As the browser
theme = Colours
preferences = Display
save = Save
back = Back
password = Password
current-password = Present password
new-password = New password
password-hint = At least 12 characters, and not a common one.
change-password = Change the password
change-password-why = Your other sessions end.
totp = Second factor
totp-on = On
totp-off = Off
totp-on-why = Signing in takes your password and a code.
totp-off-why = When it is on, signing in takes a code from your phone beside the password.
totp-begin = Turn it on
totp-end = Turn it off
totp-step-1 = Open an authenticator on your phone and choose to enter a key by hand.
totp-step-2 = Enter this key:
totp-step-3 = Type the 6 digits that it shows.
totp-open-app = Open in an authenticator on this machine
totp-confirm = Confirm and turn it on
code = Code
code-hint = 6 digits, or one of your recovery codes.
codes-left = { $count ->
    [one] Signing in takes your password and a code. { $count } recovery code is left.
   *[other] Signing in takes your password and a code. { $count } recovery codes are left.
}
codes-why = Save these recovery codes now: they are shown this once. If you lose your phone, each of them signs you in once in the place of a code.
codes-done = I saved them
sessions = Where you are signed in
session-began = since
session-seen = last used
session-this = this one
session-end = Sign out
end-other-sessions = Sign out everywhere else

## What was done, and what was not

done-approved = Approved.
done-rejected = Sent back to the vendor.
done-withdrawn = The review is withdrawn.
done-terminated = The check is terminated; the vendor gets the reason.
done-saved = Saved.
done-password = The password is changed, and your other sessions have ended.
done-totp-ended = The second factor is off.
done-session-ended = The session has ended.
reason-is-missing-here = Give a reason of at most 2,000 characters; the vendor gets it.
terminate-why = This cannot be undone. The order ends without a conclusion.
terminate-reason = Reason
terminate-reason-hint = The vendor gets this text.
withdraw-why = The vendor may then return another result. This result and its reports stay.
stop-not-found = There is no such page
stop-not-found-why = The address may be wrong, or it leads to something that you may not see.
stop-forbidden = Your role does not go that far
stop-forbidden-why = Nothing was changed. If you need this, ask your admin for another role.
stop-bad-form = That could not be read
stop-bad-form-why = Nothing was changed. Go back and try again.
stop-conflict = That cannot be done now
stop-conflict-why = The state has changed, and nothing was done. Go back to see how it stands.
stop-fault = Something went wrong
stop-fault-why = It is on our side, and what you did may not be done. Try again later; nothing is done twice.
to-the-start = To the start

## Signing in and joining

sign-in = Sign in
sign-in-why = With your email address and password.
sign-in-wrong = Email address or password is not right.
sign-in-anew = Sign in as somebody else
session-over = Your session has ended. What you typed is not lost: sign in, and you can send it.
needs-tls = This address is not encrypted, so your browser will not stay signed in. Use the address that begins with https.
too-many-tries = { $count ->
    [one] Too many tries. Try again in { $count } minute.
   *[other] Too many tries. Try again in { $count } minutes.
}
busy = Too many people sign in just now. Try again in a moment.
totp-asked = Open your authenticator and type the code that it shows.
totp-demanded = Your tenant demands a second factor. Turn it on below to go on.
code-wrong = The code is not right, or was used before.
typed-again = Go on
typed-again-why = What you typed before the session ended is still here, and was not sent yet.
typed-again-send = Send
typed-again-drop = Drop it
choose-tenant-why = You are in several. Choose one.
no-tenant = You are in no tenant yet.
set-up = Set up
set-up-why = Make the first account, and the first tenant.
set-up-do = Create and sign in
tenant-name = Name of the tenant
tenant-name-hint = Your company or team. Leave it empty if you are the operator alone.
name = Name
invitation = Invitation
invitation-why = { $email } is invited to { $tenant }.
the-operators = the operators
join = Join
sign-in-to-join = Sign in to join
new-password-why = A new password for { $it }. All sessions end.
form-has-faults = It cannot be sent yet:
fault-current-password = The present password is not right.
fault-password = At least 12 characters, no common password, and neither name nor email address in it.
fault-email = Give a email address.
fault-name = Give a name of at most 100 characters.
fault-other = Look at this once more.
stop-link-over = The link is good no more
stop-link-over-why = It works once and for a limited time. Ask the person who gave it to you for a new one.
codes = Recovery codes
