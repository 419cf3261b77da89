package schedule

import "slices"

// Seeds are the template versions the service comes with, oldest first. The
// migrations hold the same rows; a test compares them.
func Seeds() []Template {
	return []Template{generalV1(), keyV1(), General(), Key(), High(), Child(), Referral()}
}

// Titles are the Chinese titles of the steps that the service comes with, by key.
func Titles() map[string]string {
	titles := map[string]string{}
	for _, t := range append(Seeds(), Template{Steps: append(Overlay(Amber, Template{}), Overlay(Red, Template{})...)}) {
		for _, s := range t.Steps {
			titles[s.Key] = s.Title
		}
	}
	return titles
}

// seed fills in what most steps share.
func seed(key string, version int, name string, steps []Step) Template {
	return Template{Key: key, Version: version, Name: name, Steps: Filled(steps)}
}

// Filled fills in what a step may leave out: the policy is fixed, the occasion its own.
func Filled(steps []Step) []Step {
	steps = slices.Clone(steps)
	for i := range steps {
		if steps[i].Policy == "" {
			steps[i].Policy = Fixed
		}
		if steps[i].Occasion == "" {
			steps[i].Occasion = steps[i].Key
		}
	}
	return steps
}

// General is template G, for households without flags: contact at least once a
// quarter, a visit before Spring Festival, a closure review after a year, and a
// quarterly tail until closed (domain 2).
func General() Template {
	const grace = 10
	steps := slices.Clone(generalV1().Steps)
	return seed("G", 2, "一般关怀", append(steps, beforeSpringFestival(grace, false), atHarvest(grace)))
}

// Key is template K, for key households: a contact every month, phone and village
// in turn, and a scored home visit every quarter, until closed. In the months of
// a home visit there is no phone call.
func Key() Template { return seed("K", 2, "重点关怀", keySteps(5)) }

func keySteps(grace int) []Step {
	return []Step{
		baseline(grace),
		receipt(grace),
		{Key: "monthly-phone-1", Occasion: "month-1-of-6", Title: "每月联系电话回访", Kind: Phone, Anchor: Payment, OffsetDays: 30, EveryDays: 180, LeadDays: phoneLead, GraceWorkdays: grace},
		{Key: "monthly-village", Occasion: "even-month", Title: "每月联系村委会询问", Kind: Village, Anchor: Payment, OffsetDays: 60, EveryDays: 60, LeadDays: villageLead, GraceWorkdays: grace, AsksVillage: true},
		{Key: "monthly-phone-5", Occasion: "month-5-of-6", Title: "每月联系电话回访", Kind: Phone, Anchor: Payment, OffsetDays: 150, EveryDays: 180, LeadDays: phoneLead, GraceWorkdays: grace},
		{Key: "quarterly-home", Occasion: "quarterly", Title: "每季度上门走访", Kind: Home, Anchor: Payment, OffsetDays: 90, EveryDays: 90, LeadDays: homeLead, GraceWorkdays: grace, Scored: true, Policy: MinGap, GapDays: 45},
		beforeSpringFestival(grace, true),
		atHarvest(grace),
	}
}

// High is template H, for households at high risk: a first safe contact within 24
// hours, the village or an agency every week, a home visit every month, until a
// person steps it down (domain 2; the tier red overlays the same).
func High() Template {
	const grace = 1
	return seed("H", 1, "高风险关怀", []Step{
		{Key: "first-contact", Title: "24小时内首次安全联系", Kind: Phone, Anchor: Chosen, OffsetDays: 1, LeadDays: 1, GraceWorkdays: grace, RealTime: true},
		baseline(grace),
		receipt(grace),
		{Key: "weekly-village", Title: "每周村委会或机构询问", Kind: Village, Anchor: Start, OffsetDays: 7, EveryDays: 7, LeadDays: weeklyLead, GraceWorkdays: grace, AsksVillage: true},
		{Key: "monthly-home", Title: "每月上门走访", Kind: Home, Anchor: Start, OffsetDays: 30, EveryDays: 30, LeadDays: homeLead, GraceWorkdays: grace, Scored: true, Policy: MinGap, GapDays: 14},
		beforeSpringFestival(grace, true),
	})
}

// Child is template C, for a recipient under 18: K, and beside it the beginning of
// each school term and Children's Day until the eighteenth birthday (domain 2).
func Child() Template {
	const grace = 1
	return seed("C", 1, "未成年人关怀", append(keySteps(grace),
		Step{Key: "school-spring", Title: "春季开学回访", Kind: Phone, Anchor: SchoolSpring, LeadDays: phoneLead, GraceWorkdays: grace, UntilAge: ofAge},
		Step{Key: "childrens-day", Title: "儿童节看望", Kind: Home, Anchor: ChildrensDay, LeadDays: homeLead, GraceWorkdays: grace, Scored: true, UntilAge: ofAge},
		Step{Key: "school-autumn", Title: "秋季开学回访", Kind: Phone, Anchor: SchoolAutumn, LeadDays: phoneLead, GraceWorkdays: grace, UntilAge: ofAge},
	))
}

// Referral is template R, for households that were not awarded but are
// coordinated with partners: one contact after a month and one after three, and
// a quarterly tail until closed. Only a person chooses it.
func Referral() Template {
	const grace = 10
	return seed("R", 1, "转介协调", []Step{
		baseline(grace),
		{Key: "month-1", Title: "满月电话回访", Kind: Phone, Anchor: Payment, OffsetDays: 30, LeadDays: phoneLead, GraceWorkdays: grace},
		{Key: "month-3-phone", Title: "三个月电话回访", Kind: Phone, Anchor: Payment, OffsetDays: 90, LeadDays: phoneLead, GraceWorkdays: grace},
		{Key: "quarter-after-half-year", Title: "每季度电话回访", Kind: Phone, Anchor: Payment, OffsetDays: 180, EveryDays: 90, LeadDays: phoneLead, GraceWorkdays: grace},
		beforeSpringFestival(grace, false),
	})
}

// ofAge is when nobody is a child any more.
const ofAge = 18

func baseline(grace int) Step {
	return Step{Key: "baseline", Title: "首次入户了解", Kind: Home, Anchor: Start, OffsetDays: 14, LeadDays: homeLead, GraceWorkdays: grace, Scored: true}
}

func receipt(grace int) Step {
	return Step{Key: "receipt", Title: "核实救助金足额到账", Kind: Phone, Anchor: Payment, OffsetDays: 7, LeadDays: phoneLead, GraceWorkdays: grace}
}

// beforeSpringFestival is the visit that everybody gets (domain 2, seasonal anchors).
func beforeSpringFestival(grace int, scored bool) Step {
	return Step{Key: "spring-festival", Title: "春节前走访慰问", Kind: Home, Anchor: SpringFestival, OffsetDays: -7, LeadDays: 14, GraceWorkdays: grace, Scored: scored}
}

// atHarvest occurs where the plan has a harvest; the day is its own or this one (L14).
func atHarvest(grace int) Step {
	return Step{Key: "harvest", Title: "农收季回访", Kind: Phone, Anchor: Harvest, YearlyOn: 1015, LeadDays: phoneLead, GraceWorkdays: grace}
}

// Windows open this many calendar days ahead: five days hold three working
// days, a home visit needs a car and a colleague, a village request a repeat.
const (
	phoneLead   = 5
	homeLead    = 10
	villageLead = 7
	weeklyLead  = 3
)

// generalV1 is how template G began.
func generalV1() Template {
	const grace = 10
	return seed("G", 1, "一般关怀", []Step{
		{Key: "baseline", Occasion: "baseline", Title: "首次入户了解", Kind: Home, Anchor: Start, OffsetDays: 14, LeadDays: homeLead, GraceWorkdays: grace, Scored: true},
		{Key: "receipt", Occasion: "receipt", Title: "核实救助金足额到账", Kind: Phone, Anchor: Payment, OffsetDays: 7, LeadDays: phoneLead, GraceWorkdays: grace},
		{Key: "month-1", Occasion: "month-1", Title: "满月电话回访", Kind: Phone, Anchor: Payment, OffsetDays: 30, LeadDays: phoneLead, GraceWorkdays: grace},
		{Key: "month-3", Occasion: "month-3", Title: "三个月上门走访", Kind: Home, Anchor: Payment, OffsetDays: 90, LeadDays: homeLead, GraceWorkdays: grace, Scored: true},
		{Key: "month-6-village", Occasion: "month-6", Title: "半年村委会询问", Kind: Village, Anchor: Payment, OffsetDays: 180, LeadDays: villageLead, GraceWorkdays: grace, AsksVillage: true},
		{Key: "month-6-phone", Occasion: "month-6", Title: "半年电话回访", Kind: Phone, Anchor: Payment, OffsetDays: 180, LeadDays: phoneLead, GraceWorkdays: grace},
		{Key: "month-9", Occasion: "month-9", Title: "九个月电话回访", Kind: Phone, Anchor: Payment, OffsetDays: 270, LeadDays: phoneLead, GraceWorkdays: grace},
		{Key: "year-1", Occasion: "year-1", Title: "满一年上门走访与结案评估", Kind: Home, Anchor: Payment, OffsetDays: 365, LeadDays: homeLead, GraceWorkdays: grace, Scored: true, Closure: true},
		{Key: "quarterly-phone", Occasion: "quarterly", Title: "每季度电话回访", Kind: Phone, Anchor: Payment, OffsetDays: 455, EveryDays: 90, LeadDays: phoneLead, GraceWorkdays: grace},
		{Key: "yearly-home", Occasion: "yearly", Title: "每年上门走访", Kind: Home, Anchor: Payment, OffsetDays: 730, EveryDays: 365, LeadDays: homeLead, GraceWorkdays: grace, Scored: true, Closure: true},
	})
}

// keyV1 is how template K began. Its phone call and its home visit fall on one
// day in the third and the ninth month; version 2 mends that.
func keyV1() Template {
	const grace = 5
	return seed("K", 1, "重点关怀", []Step{
		{Key: "baseline", Occasion: "baseline", Title: "首次入户了解", Kind: Home, Anchor: Start, OffsetDays: 14, LeadDays: homeLead, GraceWorkdays: grace, Scored: true},
		{Key: "receipt", Occasion: "receipt", Title: "核实救助金足额到账", Kind: Phone, Anchor: Payment, OffsetDays: 7, LeadDays: phoneLead, GraceWorkdays: grace},
		{Key: "monthly-phone", Occasion: "odd-month", Title: "每月联系：电话回访", Kind: Phone, Anchor: Payment, OffsetDays: 30, EveryDays: 60, LeadDays: phoneLead, GraceWorkdays: grace},
		{Key: "monthly-village", Occasion: "even-month", Title: "每月联系：村委会询问", Kind: Village, Anchor: Payment, OffsetDays: 60, EveryDays: 60, LeadDays: villageLead, GraceWorkdays: grace, AsksVillage: true},
		{Key: "quarterly-home", Occasion: "quarterly", Title: "每季度上门走访", Kind: Home, Anchor: Payment, OffsetDays: 90, EveryDays: 90, LeadDays: homeLead, GraceWorkdays: grace, Scored: true},
	})
}
