package points

// Award is the answer to a paid order: what all earn rules together gave.
type Award struct {
	Order  OrderID
	User   UserID
	Points int64
}

// reward gives a paid order its points, once.
func (d *desk) reward(r Request) {
	award, decided := d.book.Awards[r.Order]
	if !decided {
		award, decided = d.awards[r.Order]
	}
	if !decided {
		award = d.award(r)
		d.awards[r.Order] = award
	}
	if (!decided || r.Nudged) && !d.awardTold[r.Order] {
		d.awardTold[r.Order] = true
		d.out.Awards = append(d.out.Awards, award)
	}
}

// award runs every earn rule on what was paid in money.
func (d *desk) award(r Request) Award {
	award := Award{Order: r.Order, User: r.User}
	for _, rule := range d.rules {
		e := Entry{
			EntryID: EntryID{Order: r.Order, Rule: rule.Name, Cause: CausePaid},
			User:    r.User, Amount: rule.earned(r.Paid), At: d.at,
		}
		d.out.Entries = append(d.out.Entries, e)
		award.Points += e.Amount
	}
	d.gain(r.Order, r.User, CausePaid, award.Points)
	return award
}
