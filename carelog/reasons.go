package carelog

// reason is one sentence of the catalogue of what can be wrong with a field.
type reason struct{ english, chinese string }

var (
	isRequired         = reason{"is required", "必填"}
	isTooLong          = reason{"is too long", "内容过长"}
	isNotADate         = reason{"is not a date: write it as 2026-11-24", "不是日期,请写成 2026-11-24"}
	isInFuture         = reason{"lies in the future: give the day it happened", "日期在将来,请填写实际日期"}
	isTooOld           = reason{"lies more than 30 years back", "日期过早(早于30年前)"}
	isInPast           = reason{"lies in the past: choose today or later", "日期已过,请选择今天或以后"}
	isNotAPhone        = reason{"is not a possible phone number: write it as +86 followed by 11 digits", "不是可用的电话号码,请填写11位手机号"}
	isNotAnIDNumber    = reason{"is not a valid identity number: 18 characters with a matching check digit", "身份证号不正确(18位,校验位须相符)"}
	isNotPositive      = reason{"must be more than 0 fen", "金额必须大于0"}
	isNegative         = reason{"must not be negative", "不能为负数"}
	isNotAnAmount      = reason{"is not an amount in yuan, such as 5000 or 5000.50", "不是金额,请写成 5000 或 5000.50"}
	doesNotAddUp       = reason{"do not add up to the award", "各来源金额之和与救助金额不符"}
	isUnknown          = reason{"is not one of the known values", "不在可选范围内"}
	isUnknownVillage   = reason{"is not a village of this office: add a contact who serves it, or import with add_villages", "本单位没有该村(居):请先登记该村联系人,或导入时选择新增村居"}
	isUnknownOfficer   = reason{"is not the login of an officer of this office", "不是本单位承办人的登录名"}
	isUnknownContact   = reason{"is not a contact of this office", "不是本单位的村联系人"}
	isWrongVillage     = reason{"does not serve the recipient's village", "该联系人不负责被救助人所在村"}
	isUnsafeAlias      = reason{"cannot stand in a text: at most 8 characters, without the full name", "家庭称呼不可用:最多8个字,且不得含全名"}
	endsBeforeItBegins = reason{"lies before the first day", "\u4e0d\u80fd\u65e9\u4e8e\u5f00\u59cb\u65e5\u671f"}
	isNoCursor         = reason{"is no cursor of the feed: give the one of the last answer, or none", "\u4e0d\u662f\u53d8\u66f4\u6d41\u7684\u6e38\u6807\uff1a\u8bf7\u586b\u5199\u4e0a\u6b21\u8fd4\u56de\u7684\u6e38\u6807\uff0c\u6216\u7559\u7a7a"}
	isNoHookAddress    = reason{"is not an https address in the public network, without a query", "\u987b\u4e3a\u516c\u7f51 https \u5730\u5740\uff0c\u4e14\u4e0d\u5e26\u67e5\u8be2\u53c2\u6570"}
	isNoDepartment     = reason{"is not a department of this office that works", "\u4e0d\u662f\u672c\u5355\u4f4d\u5728\u7528\u7684\u90e8\u95e8"}
	isNoSource         = reason{"is not a partner of this office, or a department is named beside it: a clue has one source", "\u4e0d\u662f\u672c\u5355\u4f4d\u7684\u534f\u4f5c\u5355\u4f4d\uff0c\u6216\u540c\u65f6\u586b\u5199\u4e86\u90e8\u95e8\uff1a\u7ebf\u7d22\u6765\u6e90\u53ea\u80fd\u6709\u4e00\u4e2a"}
	isNoClue           = reason{"is not a clue of this office that was taken over", "\u4e0d\u662f\u672c\u5355\u4f4d\u5df2\u63a5\u6536\u7684\u7ebf\u7d22"}
	isNoCaseFile       = reason{"is not a document of this case", "\u4e0d\u662f\u672c\u6848\u7684\u6587\u4ef6"}
	isNoHash           = reason{"is not a SHA-256 in hex: 64 characters", "\u4e0d\u662f\u5341\u516d\u8fdb\u5236SHA-256\u6821\u9a8c\u503c\uff0864\u4f4d\uff09"}
	isOfAnotherOffice  = reason{"belongs to another office", "\u5c5e\u4e8e\u5176\u4ed6\u5355\u4f4d"}
	isNoCase           = reason{"is not a case of this office that goes on", "\u4e0d\u662f\u672c\u5355\u4f4d\u5728\u529e\u7684\u6848\u4ef6"}
	isTooLarge         = reason{"is larger than 10 MiB", "\u6587\u4ef6\u8d85\u8fc710MB"}
	isNoKindOfFile     = reason{"does not end in .pdf, .jpg, .png, .docx or .xlsx", "\u53ea\u63a5\u6536 pdf\u3001jpg\u3001png\u3001docx\u3001xlsx \u6587\u4ef6"}
	isAnotherType      = reason{"is not what its name says", "\u6587\u4ef6\u5185\u5bb9\u4e0e\u6269\u5c55\u540d\u4e0d\u7b26"}
	isDamaged          = reason{"cannot be read to its end: hand it in again", "\u6587\u4ef6\u4e0d\u5b8c\u6574\uff0c\u8bf7\u91cd\u65b0\u63d0\u4ea4"}
	reachesTooMany     = reason{"reaches too many files to look through: name a village or a task code too", "\u8303\u56f4\u5185\u6863\u6848\u8fc7\u591a\uff0c\u8bf7\u540c\u65f6\u586b\u5199\u6751\u5c45\u6216\u4efb\u52a1\u7f16\u53f7"}
	isTooLongAPeriod   = reason{"is more than five years before the last day: ask for a shorter period", "\u7edf\u8ba1\u65f6\u6bb5\u6700\u957f\u4e94\u5e74"}
	isClosedTooLong    = reason{"is too long a closure: at most 62 days, hand the plans over to another office instead", "\u505c\u529e\u516c\u6700\u957f62\u5929\uff0c\u66f4\u957f\u65f6\u95f4\u8bf7\u628a\u65b9\u6848\u79fb\u4ea4\u5176\u4ed6\u5355\u4f4d"}
	isOutsideRange     = reason{"lies outside what may be set", "\u8d85\u51fa\u5141\u8bb8\u7684\u8303\u56f4"}
	isOutsideWindow    = reason{"lies outside what may be chosen", "不在允许的日期范围内"}
	isAnIDNumber       = reason{"is an identity number: use a number of your own, it is kept in clear", "不得使用身份证号作外部编号"}
	isNamedTwice       = reason{"is named twice: add its amounts up", "同一来源出现两次,请合并金额"}
	isRepeated         = reason{"appears twice in this ledger", "在本台账中重复出现"}
	isMisshapen        = reason{"cannot be read: see the documented form of this column", "格式不正确,请参照列说明"}
	isMissingColumn    = reason{"is missing from the header", "表头缺少该列"}
	isUnknownColumn    = reason{"is not a column of the documented set", "不是规定的列"}
	isNotScorable      = reason{"cannot be scored by this kind of check-in", "本次回访方式不能为该项评分"}
	needsScores        = reason{"a scored check-in that reached the family needs its scores", "见到本人的评分回访必须填写各项评分"}
	isBeforeWindow     = reason{"lies before the check-in's window opens: note it as an unplanned visit", "早于本次回访的可办理时段，请登记为计划外走访"}
	endsBeforeItBegan  = reason{"must lie after the beginning, within a day", "结束时间须晚于开始时间，且不超过一天"}
	isOfNoScore        = reason{"belongs to a domain that was not scored", "该项没有评分，无须填写依据"}
	isNotATimeOfDay    = reason{"is not a time of day: write it as 14:30", "不是时间，请写成 14:30"}
	needsReasonOutside = reason{"is required: the day lies outside the check-in's window", "必填：该日不在可办理时段内，请说明理由"}
	needsReasonAtRest  = reason{"is required: the day is not a working day", "必填：该日不是工作日，请说明理由"}
	areSeparatePeoples = reason{"go to separate people: care (officer, supervisor), system, security, audit, and a program's account", "承办与负责人、系统管理、安全管理、审计管理、程序账号须由不同人员担任"}
	isNoScope          = reason{"is not a scope: see the permission table", "不是可用的令牌权限范围"}
	isBeyondAYear      = reason{"has to end within a year from now", "有效期最长一年"}
	differs            = reason{"differs from what is enrolled: an import changes nothing, correct it in the file", "与已登记内容不同;导入不改动已登记信息,请在档案中更正"}
	isAnotherRhythm    = reason{"stands for another rhythm in a version there was: give the step a key of its own", "该代号在已有版本中的方式或间隔不同,请为此步骤另取代号"}
	isInTheAlias       = reason{"stands in the household alias: agree another alias first", "家庭称呼中含有该姓名,请先另行约定称呼"}
	needsGuardian      = reason{"is not the guardian: for somebody under 14 the guardian consents", "未满14周岁的,须由监护人同意"}
	followsAnother     = reason{"names a plan that follows another template", "其中有方案使用的是另一模板"}
)

// What can be wrong about the life of a plan.
var (
	notRecordedDeath    = reason{"no death of the recipient is recorded: record it first", "尚未登记被救助人死亡\uff0c请先登记"}
	notRecordedMove     = reason{"no move of the household is recorded: record it first", "尚未登记该户迁走\uff0c请先登记"}
	notConfirmedRefusal = reason{"no supervisor has confirmed the refusal", "负责人尚未确认该户拒绝回访"}
	notAHousehold       = reason{"names 2 to 20 different recipients", "须为2至20名不同的被救助人"}
	notPlans            = reason{"names 1 to 500 open plans of one office, or an officer who has some", "须为同一单位的1至500个未结方案\uff0c或有未结方案的承办人"}
	isNotAnotherOffice  = reason{"is not the code of another office", "不是其他单位的编码"}
	isTheirsAlready     = reason{"has the plan already", "该方案已由其承办"}
	isNotOffered        = reason{"is not offered in this act", "不在本次移交之列"}
)
