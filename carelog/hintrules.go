package carelog

import "aftercare/carelog/condition"

// Measure is a kind of help that another body gives (多元化救助, domain 2).
type Measure = condition.Measure

func isMeasure(m Measure) bool { return m.Chinese() != "" }

// hintRule is why a measure is worth a look: for everybody, for one of these
// flags in the household, or for a household with a child. What it rests on is
// data with its version: the text of the law is nowhere in the product.
type hintRule struct {
	measure   Measure
	everybody bool
	child     bool
	flags     []Flag
	why       reason
	rule      RuleRef
}

// RuleRef names what a rule rests on, its version and the day it took effect.
type RuleRef struct {
	Ref       string `json:"rule_ref"`
	Version   string `json:"version"`
	Effective string `json:"effective_from"`
}

var careMeasures = RuleRef{"domain 2: care measures by vulnerability", "1", "2026-11-23"}

var hintRules = []hintRule{
	{
		measure: "legal_aid", everybody: true, rule: RuleRef{"法律援助法第四十二条第二项", "2021", "2022-01-01"},
		why: reason{"judicial-aid recipients ask for legal aid without a check of their means", "司法救助对象申请法律援助\uff0c免予核查经济困难状况"},
	},
	{measure: "guardianship", child: true, rule: careMeasures, why: reason{"a child lives in the household", "家中有未成年人"}},
	{measure: "education_aid", child: true, rule: careMeasures, why: reason{"a child lives in the household", "家中有未成年人"}},
	{
		measure: "dibao", flags: []Flag{"intellectual_disability", "severe_disability", "widowed_with_dependants", "elderly_alone", "chronic_illness", "monitored_household"}, rule: careMeasures,
		why: reason{"old, weak, sick or disabled at the edge of poverty: other policy support beside the aid", "老弱病残处于贫困边缘\uff0c救助同时争取其他政策帮扶"},
	},
	{
		measure: "fund_supervision", flags: []Flag{"intellectual_disability", "minor_victim"}, rule: careMeasures,
		why: reason{"whoever the money is for does not handle it alone", "款项由他人代管"},
	},
	{
		measure: "guardianship", flags: []Flag{"intellectual_disability", "minor_victim"}, rule: careMeasures,
		why: reason{"somebody acts for the recipient: see that they do so well", "由监护人代为行事\uff0c须督促其履职"},
	},
	{
		measure: "orphan_or_unsupported_child", child: true, rule: careMeasures,
		why: reason{"a child lives in the household: see whether anybody in fact supports it", "家中有未成年人\uff0c核实是否事实无人抚养"},
	},
	{measure: "psych_support", flags: []Flag{"minor_victim", "sexual_offence"}, rule: careMeasures, why: reason{"the harm weighs on the mind", "所受侵害可能影响心理"}},
	{measure: "disability_cert", flags: []Flag{"intellectual_disability", "severe_disability"}, rule: careMeasures, why: reason{"somebody in the household is disabled", "家中有残疾人"}},
	{measure: "disability_subsidy", flags: []Flag{"intellectual_disability", "severe_disability"}, rule: careMeasures, why: reason{"somebody in the household is disabled", "家中有残疾人"}},
	{measure: "tekun", flags: []Flag{"elderly_alone"}, rule: careMeasures, why: reason{"an old person lives alone", "高龄独居"}},
	{measure: "volunteer", flags: []Flag{"elderly_alone"}, rule: careMeasures, why: reason{"an old person lives alone", "高龄独居"}},
	{measure: "womens_fed", flags: []Flag{"widowed_with_dependants"}, rule: careMeasures, why: reason{"a widowed parent raises dependants", "丧偶抚养"}},
	{measure: "veteran_support", flags: []Flag{"injured_veteran"}, rule: careMeasures, why: reason{"an injured veteran lives in the household", "家中有伤残退役军人"}},
	{measure: "poverty_monitoring", flags: []Flag{"monitored_household"}, rule: careMeasures, why: reason{"the household is watched for a return to poverty", "监测户"}},
	{measure: "industry_support", flags: []Flag{"monitored_household"}, rule: careMeasures, why: reason{"the household is watched for a return to poverty", "监测户"}},
	{measure: "medical_aid", flags: []Flag{"chronic_illness", "severe_disability"}, rule: careMeasures, why: reason{"illness or disability costs money all the time", "慢性病或重度残疾需长期支出"}},
}
