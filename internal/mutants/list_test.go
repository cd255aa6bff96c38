package mutants

const (
	decide   = "services/inventory/internal/inventory/decide.go"
	stock    = "services/inventory/internal/store/stock.go"
	relaying = "pkg/outbox/partition.go"

	reversing = "services/points/internal/points/reverse.go"
)

// mutants lists the mistakes that have lost or duplicated something in
// somebody's system.
func mutants() []mutant {
	inventory, outbox := "./services/inventory/internal/consumer", "./pkg/outbox"
	return []mutant{
		{
			name: "unconditional stock update",
			edits: []edit{
				{decide, `!sold || wanted[l.SKU] > available || wanted[l.SKU] > maxUnits`, `!sold || available < 0 && wanted[l.SKU] > maxUnits`},
				{stock, `Where: "t.available + v.available >= 0 AND t.reserved + v.reserved >= 0 AND t.sold + v.sold >= 0",`, ``},
			},
			pkg: inventory, run: "TestStockIsNeverOversold",
		},
		{
			name:  "stock updated without its condition, the decision intact",
			edits: []edit{{stock, `Where: "t.available + v.available >= 0 AND t.reserved + v.reserved >= 0 AND t.sold + v.sold >= 0",`, ``}},
			pkg:   "./services/inventory/internal/store", run: "TestStockMovesOnlyWhereThereIsEnough",
		},
		{
			name:  "a second answer to a redelivered request",
			edits: []edit{{decide, `case r.Action == Reserve && r.Nudged:`, `case r.Action == Reserve:`}},
			pkg:   inventory, run: "TestReplies",
		},
		{
			name:  "a refusal that leaves no row",
			edits: []edit{{decide, "\t\t} else {\n", "\t\t} else if d.now[id].Status != Refused {\n"}},
			pkg:   inventory, run: "TestStockIsNeverOversold",
		},
		{
			name:  "dedupe removed from inventory",
			edits: []edit{{"services/inventory/internal/inventory/settle.go", `Book{Reservations: known, Stock: stock}`, `Book{Stock: stock}`}},
			pkg:   inventory, run: "TestStockIsNeverOversold",
		},
		{
			name:  "dedupe removed from points",
			edits: []edit{{"services/points/internal/points/award.go", `award, decided := d.book.Awards[r.Order]`, `award, decided := Award{}, false`}},
			pkg:   "./services/points/internal/consumer", run: "TestDeliveredManyTimesInAnyOrder",
		},
		{
			name:  "points frozen without looking at the account",
			edits: []edit{{"services/points/internal/points/decide.go", `d.spendable(r.User) < r.Points`, `r.Points < 0`}},
			pkg:   "./services/points/internal/consumer", run: "TestNobodySpendsTwice",
		},
		{
			name:  "a cancel that comes first and is forgotten",
			edits: []edit{{"services/points/internal/points/freeze.go", `Cancel: bury`, `Cancel: keep`}},
			pkg:   "./services/points/internal/points", run: "TestEveryStatusMeetsEveryAction",
		},
		{
			name:  "a late capture that nobody asks back",
			edits: []edit{{"services/order/internal/order/order.go", `s.Facts.Has(Captured) && s.RefundRequestedAt.IsZero()`, `s.Facts.Has(Refunded) && s.RefundRequestedAt.IsZero()`}},
			pkg:   "./services/order/internal/order", run: "TestCaptureAfterCancel",
		},
		{
			name:  "a lost lease that still cancels",
			edits: []edit{{"pkg/waitlist/lease.go", `WHERE id = 1 AND epoch = ?", database.Micros(now.Add(w.cfg.LeaseTTL)), l.epoch)`, `WHERE id = 1 AND ? > 0", database.Micros(now.Add(w.cfg.LeaseTTL)), l.epoch)`}},
			pkg:   "./pkg/waitlist", run: "TestTheLeaseIsFenced",
		},
		{
			name:  "an order that commits behind the walk",
			edits: []edit{{"services/order/internal/store/watch.go", `late := waitlist.Late(id, s.CreatedAt)`, `late := waitlist.Late(id, s.CreatedAt) && s.Deadline.IsZero()`}},
			pkg:   "./services/order/internal/store", run: "TestALateCommitIsNotMissed",
		},
		{
			name:  "nudger with a new event id",
			edits: []edit{{"services/order/internal/store/events.go", `e.Nudge = true`, `e.Nudge, e.ID = true, e.ID+"-again"`}},
			pkg:   "./services/order/internal/store", run: "TestANudgeIsTheEventAgain",
		},
		{
			name:  "a nudge answered by a new decision",
			edits: []edit{{decide, "was := d.find(r.Order)\n", "was := d.find(r.Order)\n\tif r.Nudged {\n\t\twas = Reservation{}\n\t}\n"}},
			pkg:   inventory, run: "TestANudgeIsNoNewRequest",
		},
		{
			name:  "who nudges told where the order stands, and not how it was decided",
			edits: []edit{{"services/order/internal/order/learn.go", `if s, ok := les.pupils[id].State().Decided(); ok {`, `if s := les.pupils[id].State(); s.Status.Terminal() {`}},
			pkg:   "./services/order/internal/store", run: "TestANudgedFactIsAnsweredWithTheDecision",
		},
		{
			name:  "an order that begins to wait again and is forgotten",
			edits: []edit{{"services/order/internal/store/watch.go", `waits && !waited {`, `waits && waited {`}},
			pkg:   "./services/order/internal/store", run: "TestAnOrderThatBeginsToWaitAgain",
		},
		{
			name:  "a hold that nobody asks about",
			edits: []edit{{"services/inventory/internal/store/reservations.go", `return u.listMissed(ctx, reservations)`, `return nil`}},
			pkg:   inventory, run: "TestAHoldPastItsDeadlineIsAskedAbout",
		},
		{
			name:  "a remembered hold that has ended and is sold all the same",
			edits: []edit{{"services/inventory/internal/store/reservations.go", `Where: "t.version = v.was", Locked: true,`, `Locked: true,`}},
			pkg:   inventory, run: "TestARememberedHoldThatHasEnded",
		},
		{
			name: "a payment taken for new that replaces none and takes money",
			edits: []edit{{
				"services/payment/internal/store/settle.go",
				`if err := u.tx.Insert(ctx, "payment"`, `if _, err := u.tx.InsertIgnore(ctx, "payment"`,
			}},
			pkg: "./services/payment/internal/consumer", run: "TestAnOrderThatIsCancelledAtOnce",
		},
		{
			name:  "a batch that was not new and is trusted again",
			edits: []edit{{"pkg/inbox/fresh.go", `tried = true`, `tried = false`}},
			pkg:   "./pkg/inbox", run: "TestABatchIsTrustedOnce",
		},
		{
			name: "dedupe removed from payment",
			edits: []edit{{
				"services/payment/internal/payment/settle.go",
				`Book{Payments: known, Wallets: wallets, Refunds: refunds}`, `Book{Wallets: wallets, Refunds: refunds}`,
			}},
			pkg: "./services/payment/internal/consumer", run: "TestDeliveredManyTimesInAnyOrder",
		},
		{
			name: "a refund without its guard",
			edits: []edit{
				{"services/payment/internal/payment/refund.go", `r.Amount.Minor() > left`, `r.Amount.Minor() < 0 && left < 0`},
				{"services/payment/internal/store/changes.go", `Where: "t.refunded + v.amount <= t.captured"`, `Where: "t.refunded + v.amount >= 0"`},
			},
			pkg: "./services/payment/internal/consumer", run: "TestFiftyRefundsOfOneCapture",
		},
		{
			name:  "a capture of another amount than was asked",
			edits: []edit{{"services/payment/internal/payment/judge.go", ` || p.Amount != w.Amount:`, `:`}},
			pkg:   "./services/payment/internal/consumer", run: "TestNoAnswer/another_amount",
		},
		{
			name:  "no answer taken for a failure",
			edits: []edit{{"services/payment/internal/payment/caller.go", "word = call.unsure()\n\tif word.Refused", "word = call.unsure()\n\tword.Said = Declined\n\tif word.Refused"}},
			pkg:   "./services/payment/internal/consumer", run: "TestNoAnswer/noise",
		},
		{
			name:  "a failure that the provider may not take back",
			edits: []edit{{"services/payment/internal/payment/machine.go", `Failed:   {AskedAgain: repeat, Cancelled: note, Succeeded: to(Captured)},`, `Failed:   {AskedAgain: repeat, Cancelled: note},`}},
			pkg:   "./services/payment/internal/httpapi", run: "TestWebhookIsRecorded",
		},
		{
			name:  "a webhook whose signature nobody checks",
			edits: []edit{{"services/payment/internal/provider/signature.go", `if !matched {`, `if !matched && len(v.secrets) == 0 {`}},
			pkg:   "./services/payment/internal/httpapi", run: "TestWebhookIsRefused",
		},
		{
			name: "order status set without its condition",
			edits: []edit{{
				"services/order/internal/store/facts.go",
				`" WHERE id IN "+in+" AND status = ? AND version = ? AND facts = ?", args...)`,
				`" WHERE id IN "+in+" AND ? <> '' AND ? <> 0 AND ? > -1", args...)`,
			}},
			pkg: "./services/order/internal/store", run: "TestSaveIsConditional",
		},
		{
			name: "a remembered order that has changed and is written all the same",
			edits: []edit{{"services/order/internal/store/facts.go", `if n != int64(len(ids)) && m.recalled {`, `if n == -1 && m.recalled {`},
				{"services/order/internal/store/facts.go", `if n != int64(len(ids)) {`, `if n == -1 {`}},
			pkg: "./services/order/internal/store", run: "TestAStaleMemoryDecidesNothing",
		},
		{
			name: "offset marked before the commit",
			edits: []edit{{
				"pkg/inbox/apply.go",
				`p, err := i.attempt(ctx, b, handle, faults)`, "i.commitOffsets(b)\n\t\tp, err := i.attempt(ctx, b, handle, faults)",
			}},
			pkg: "./pkg/inbox", run: "TestOffsetIsCommittedAfterSQL",
		},
		{
			name:  "a parked key that is released too early",
			edits: []edit{{"pkg/inbox/letters.go", "if errors.Is(err, database.ErrNotFound) {\n\t\t_, err := tx.Exec", "if err == nil || errors.Is(err, database.ErrNotFound) {\n\t\t_, err := tx.Exec"}},
			pkg:   "./pkg/inbox", run: "TestParkedKeyIsAppliedInOrderWhenItCan/memory,_batch_max_500",
		},
		{
			name:  "an event discarded without a command",
			edits: []edit{{"pkg/inbox/letters.go", `if strings.TrimSpace(command) == "" {`, `if command == "\x00" {`}},
			pkg:   "./pkg/inbox", run: "TestOperatorDiscards",
		},
		{
			name: "outbox cursor that skips what commits late",
			edits: []edit{
				{relaying, "\tworking *atomic.Int32", "\tlast    int64\n\tworking *atomic.Int32"},
				{relaying, "\tif len(r.packs) > 0 {\n", "\tfor len(r.packs) > 0 && r.packs[0].id <= l.last {\n\t\tr.packs = r.packs[1:]\n\t}\n\tif len(r.packs) > 0 {\n"},
				{relaying, "acked = append(acked, p)\n", "acked = append(acked, p)\n\t\t\tl.last = max(l.last, p.id)\n"},
			},
			pkg: outbox, run: "TestLateCommitWithALowerID",
		},
		{
			name:  "outbox rows deleted before the ack",
			edits: []edit{{relaying, `acked, err := l.publish(ctx, packs)`, "l.table.spent.add(l.address, packs)\n\tacked, err := l.publish(ctx, packs)"}},
			pkg:   outbox, run: "TestPartialFailure",
		},
		{
			name: "outbox rows deleted up to the last acked",
			edits: []edit{{
				"pkg/outbox/pointers.go",
				`err := p.db.DeleteMany(ctx, "outbox", []string{"topic", "part", "id"}, keys)`,
				`_, err := p.db.Exec(ctx, "DELETE FROM outbox WHERE topic = ? AND part = ? AND id <= ?", keys[len(keys)-1]...)`,
			}},
			pkg: outbox, run: "TestPartialFailure",
		},
		{
			name:  "units that come back twice",
			edits: []edit{{"services/inventory/internal/inventory/reservation.go", `Returned:  {Reserve: keep, Commit: keep, Restock: keep},`, `Returned:  {Reserve: keep, Commit: keep, Restock: restock},`}},
			pkg:   inventory, run: "TestReturnedUnitsComeBackOnce",
		},
		{
			name:  "a return that leaves its points, and says it does not",
			edits: []edit{{reversing, `reversal = d.undo(r, entries)`, `reversal, _ = reversed(r.Order, r.User, nil)`}},
			pkg:   "./services/points/internal/points", run: "TestReversal",
		},
		{
			name:  "points reversed as often as is asked",
			edits: []edit{{reversing, `reversal, decided := reversed(r.Order, r.User, entries)`, `reversal, decided := Reversal{}, false`}},
			pkg:   "./services/points/internal/points", run: "TestReversal",
		},
		{
			name:  "spent points that nobody owes",
			edits: []edit{{reversing, `owed := max(0, -n-d.available(user))`, `owed := int64(0)`}},
			pkg:   "./services/points/internal/points", run: "TestReversal",
		},
		{
			name:  "the refund of a return asked for under two ids",
			edits: []edit{{"services/order/internal/store/events.go", `refundRequested(s, contracts.RefundReturn(id))`, `refundRequested(s, fmt.Sprintf("%d:%p", id, &s))`}},
			pkg:   "./services/order/internal/store", run: "TestAReturnIsOneEventPerStep",
		},
		{
			name:  "a part of a return asked for anew",
			edits: []edit{{"services/order/internal/order/return.go", `if !asked(o.state).IsZero() {`, `if asked == nil {`}},
			pkg:   "./services/order/internal/order", run: "TestAReturnFromBeginToEnd",
		},
		{
			name:  "a saga whose barrier lets everything through",
			edits: []edit{{"pkg/saga/barrier.go", `return first && !empty, err`, "_, _ = first, empty\n\treturn true, err"}},
			pkg:   "./pkg/saga", run: "TestBarrier",
		},
		{
			name:  "compensations in the order of the steps",
			edits: []edit{{"pkg/saga/course.go", "for ; i >= 0; i-- {\n\t\tif s := c.Steps[i]", "for n := i; i >= 0; i-- {\n\t\tif s := c.Steps[n-i]"}},
			pkg:   "./pkg/saga", run: "TestCourse",
		},
		{
			name:  "a saga that goes back from behind its pivot",
			edits: []edit{{"pkg/saga/definition.go", `return d.Pivot == "" || i < d.index(d.Pivot)`, `return true`}},
			pkg:   "./pkg/saga", run: "TestCourse",
		},
	}
}
