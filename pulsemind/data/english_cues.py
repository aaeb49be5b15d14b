# ruff: noqa: E501 - patterns and tables stand on one line
"""Shapes of names in Latin letters, and what stands beside one in English text.

`english.py` uses them. A sure cue (Mr., my name is, Surgeon:) makes a name of any capitalised word;
after the others a word of ordinary language is none.
"""

from __future__ import annotations

from pulsemind.data.kinds import Kind

_LETTERS = [
    chr(code) for code in (*range(0xC0, 0x250), *range(0x1E00, 0x1F00)) if chr(code).isalpha()
]
UP = "A-Z" + "".join(c for c in _LETTERS if c.isupper())
LOW = "a-z" + "".join(c for c in _LETTERS if c.islower())
WORD = rf"(?:Mc|Mac|De|Van|La|Le|Di|Du|Fitz|[A-Z]['’])?[{UP}][{LOW}]+(?:['’-](?!s\b)[{UP}]?[{LOW}]+)*(?![A-Za-z])"
CAPS = r"[A-Z]{2,}(?:['’-][A-Z]{2,})*"
PARTICLES = r"(?:(?:d[eoiau]s?|de\s+l[ao]s?|del|della|van|van\s+de[rn]?|von|vom|zu|ter|ten|bin|binti|bint|binte|bte|bt|b\.|bn|a/l|a/p|s/o|d/o|anak|te|Te|ibn|al|el|la|le|y|e|i|ap|ab|ferch|Ó|Ní|Nic|Uí)[ \t]+)"
LINK = rf"(?:[ \t\u00a0]+{PARTICLES}?|(?<=[{LOW}A-Z]),[ \t]*)"
FULL = rf"{PARTICLES}?(?:{WORD}|{CAPS}|[A-Z]\.|[A-Z](?=[ \t]+[A-Z]))(?:,?[ \t]+{PARTICLES}?(?:{WORD}|{CAPS}|[A-Z]\b\.?)){{0,4}}"
RELATIVE = (
    "wife|husband|son|daughter|mother|mom|mum|mam|mama|mummy|mommy|father|dad|daddy|papa|brother|sister|partner|friend|neighbou?r|uncle|aunt|auntie"
    "|cousin|nephew|niece|grandmother|grandfather|grandma|grandpa|granny|gran|nan|nana|nanna|grandad|granddad|grandson|granddaughter|grandchild|boyfriend|girlfriend"
    "|fianc[eé]e?|baby|boy|girl|roommate|flatmate|housemate|colleague|boss|caregiver|carer|guardian|spouse|twin|toddler|child|kid|newborn|stepson|stepdaughter|stepmother|stepfather|stepdad|stepmum|stepmom"
    "|mother-in-law|father-in-law|sister-in-law|brother-in-law|son-in-law|daughter-in-law|widow|widower|landlady|landlord|housekeeper|parent|foster\\s+(?:mother|father|carer|parent|child)|next\\s+of\\s+kin|family\\s+member|interpreter|witness"
)
HUMAN = (
    "(?:said|says|told|tells|asked|asks|lives|lived|shouted|thinks|thought|wants|wanted|complains|smokes"
    "|drinks|denies|denied|spent|called|calls|texted|texts|emailed|emails|visited|visits|admits|agrees|agreed|wondered|wonders|insists|snores"
    "|rang|phoned|phones|forgot|fainted|cried|vomited|collapsed|attended|presented|presents|requested|requests|complained|mentioned|mentions|noticed|woke|wakes|refused|refuses|declined|consented|reports|stated|states|remembers|hopes|prefers|weighs|arrived|signed|phoning|ringing)"
)
_STAFF = (
    "attending|att|att'?g|req(?:uested)?\\.?\\s+by|req'?d\\s+by|ref(?:erred)?\\s+by|ref\\s+dr|resp(?:onsible)?\\s+(?:clinician|consultant)|cons|ordering|auth(?:orised)?\\s+by|clinician\\s+name|entered\\s+by|recorded\\s+by|updated\\s+by|actioned\\s+by|filed\\s+by|written\\s+by|drawn\\s+by|phleb(?:otomist)?|given\\s+by|removed\\s+by|inserted\\s+by|placed\\s+by|interpreted\\s+by|read\\s+by|supervising\\s+(?:physician|doctor)|op(?:erator)?|primary\\s+(?:nurse|surgeon)|RN|LPN|NP|MD|DO|PA|CNA|RT|RRT|PT|OT|SLP|HCA|asst|assist|circ|1st\\s+asst|2nd\\s+asst|first\\s+asst|peds|ob|obgyn|neuro|cards|prov(?:ider)?|SW|MSW|CM|tech|RPh|EMT|medic|CRNA|ODP|scrub|pharm|phys|surg|anaes|anes|hosp(?:italist)?|crew|pilot|SHO|SpR|FY[12]|ST\\d|RMN|CPN|CNS|ANP|surgeon|assistant|assistant\\s+surgeon|first\\s+assistant|anaesthetist|anesthetist|an(?:a?)esthesiologist|an(?:a?)esthesia(?:\\s+by)?|consultant|registrar|resident|intern|fellow|scrub(?:\\s+nurse)?|circulator|circulating\\s+nurse"
    "|midwife|physiotherapist|physio|pharmacist|dentist|optometrist|optician|paramedic|emt|technician|sonographer|radiographer|radiologist|pathologist|cardiologist|psychologist|psychiatrist|therapist|counsellor|counselor|dietitian|dietician|nutritionist|social\\s+worker|case\\s+manager|care\\s+coordinator"
    "|reviewer|reviewed\\s+by|reported\\s+by|dictated\\s+by|transcribed\\s+by|signed(?:\\s+by)?|signed\\s+off\\s+by|verified\\s+by|authori[sz]ed\\s+by|approved\\s+by|requested\\s+by|requesting\\s+(?:clinician|physician|doctor)|ordering\\s+(?:provider|physician|clinician)|referring\\s+(?:doctor|physician|provider|gp)|referred\\s+by|collected\\s+by|checked\\s+by|witnessed\\s+by|administered\\s+by|performed\\s+by|seen\\s+by|prescribed\\s+by|prescriber|provider|pcp|gp|clinician|physician|doctor|named\\s+nurse|charge\\s+nurse|nurse|sister|matron|operator|endoscopist|author|taken\\s+by|completed\\s+by|prepared\\s+by|handed\\s+over\\s+(?:by|to)|discussed\\s+with|triaged\\s+by|assessed\\s+by"
)
_PERSON = (
    "patient|pt|patient\\s+name|name|full\\s+name|client|customer|caller|resident|subscriber|insured|policy\\s*holder|member|beneficiary|claimant|account\\s+holder|card\\s*holder|cardholder(?:\\s+name)?|name\\s+on\\s+(?:the\\s+)?(?:card|account)|payee|recipient|deliver(?:y)?\\s+to|ship\\s+to|bill\\s+to|sold\\s+to|consignee|sender|addressee|attn|attention|cc|re|ref|regarding|for|from|to"
    "|nok|next\\s+of\\s+kin|emergency\\s+contact|contact|contact\\s+person|contact\\s+name|guardian|parent(?:/guardian)?|guarantor|witness|relative|informant|spouse|mother|father|mother['’]s\\s+name|father['’]s\\s+name|student|pupil|employee|worker|staff\\s+member|driver|owner|pet\\s+owner|visitor|interpreter|translator|applicant|donor|deceased|proband|infant|baby|child|complainant|enquirer|inquirer|user|caregiver|carer|surname|last\\s+name|first\\s+name|given\\s+names?|forenames?|middle\\s+name|maiden\\s+name|preferred\\s+name|alias|aka|a\\.k\\.a\\.|also\\s+known\\s+as|formerly|née|nee"
)
SURE_CUES: tuple[tuple[Kind, str], ...] = (
    ("name", rf"(?i:\b(?:calls?|called)\s+me|\b(?:last|first|maiden|middle|given|family|sur|nick|partner'?s)\s*name(?:\s+is)?)[?:,]?[ \t]+(?P<v>{FULL})"),
    ("physician", rf"\b(?:[Dd]r|DR|[Dd]rs|[Dd]octor|[Pp]rof|[Pp]rofessor|[Nn]urse|[Ss]urgeon|[Cc]ardiologist|[Rr]adiologist|[Mm]idwife|[Ss]r|[Mm]atron|[Cc]onsultant)\b\.?[ \t]*(?P<v>{FULL})"),
    ("physician", rf"(?P<v>{FULL}),?[ \t]+(?:M\.?D\b|RN\b|D\.?O\b|NP\b|PA-C\b|Ph\.?D\b|MBBS\b|FACS\b|FRCP\b|FRCS\b|MRCP\b|MRCGP\b|FRACP\b|LPN\b|LVN\b|CNA\b|CRNA\b|DDS\b|DMD\b|DPM\b|DVM\b|PharmD\b|RPh\b|DPT\b|LCSW\b|MSW\b|BSN\b|MSN\b|APRN\b|CNM\b|SpR\b|ST\d\b|F[12Y]\d?\b|CT\d\b(?=[,.\n]|$))"),
    ("name", rf"\b(?:[Mm]r|[Mm]rs|[Mm]s|[Mm]iss|[Mm]ister|[Mm]aster|[Mm]x|MR|MRS|MS|[Mm]adam|[Ss]ir|[Ll]ady|[Ss]e[ñn]ora?|[Ss]r[at]a?|[Mm]onsieur|[Mm]adame|[Mm]me|[Hh]err|[Ff]rau|[Ss]ignora?|[Rr]ev|[Rr]everend|[Rr]abbi|[Ii]mam|[Ff]ather|[Ss]ister|[Cc]aptain|[Ss]gt|[Ss]ergeant|[Oo]fficer|PC|[Cc]onstable|[Pp]uan|[Ee]ncik|[Cc]ik|[Tt]uan|[Dd]atuk|[Dd]ato|[Hh]aji|[Hh]ajah|[Pp]ak|[Bb]apak|[Ii]bu|[Mm]bak|[Mm]as|[Ss]hri|[Ss]mt|[Ss]ri|[Kk]umari|[Dd]on|[Dd]oña|[Dd]ona|[Pp]ani|[Mm]evrouw|[Mm]eneer|[Mm]dm|[Aa]lhaji|[Aa]lhaja|[Cc]hief|[Oo]ga|[Mm]zee|[Mm]ama|[Mm]amma|[Bb]ibi|[Aa]te|[Kk]uya|[Tt]ita|[Tt]ito|[Ll]olo|[Aa]unty|[Tt]ía|[Tt]ia|[Tt]ío|[Tt]io|[Aa]buela|[Aa]buelo|[Nn]onna|[Nn]onno|[Oo]ma|[Oo]pa|[Bb]abcia|[Dd]ziadek|[Bb]aba|[Dd]idi|[Bb]hai|[Uu]stadh?|[Ss]heikh|[Ss]ensei|[Ss]ister|[Bb]rother|[Pp]astor|[Dd]eacon|[Bb]ishop|[Ff]r|[Cc]pt|[Ll]t|[Cc]pl|[Cc]ol|[Mm]aj|[Dd]et|[Ii]nsp|[Jj]udge|[Cc]ouncillor|[Cc]llr|[Hh]on|[Mm]lle|[Ff]räulein|[Pp]an|[Gg]ospodin|[Kk]hun|[Cc]oach|[Gg]ranny|[Gg]randad|[Gg]ran|[Pp]apa|[Bb]aby|[Mm]um|[Aa]untie|[Aa]unt|[Uu]ncle|[Gg]randma|[Gg]randpa|[Nn]ana)\b\.?[ \t]+(?P<v>{FULL})"),
    ("name", rf"(?<=[a-z,][ \t])(?:{RELATIVE})[ \t]+(?P<v>(?!I\b){WORD})(?=[ \t,.;)?!]|$)"),
    ("name", rf"(?i:\b(?:my|his|her|whose|the\s+patient'?s?|patient'?s?)\s+(?:full\s+|first\s+|last\s+)?name(?:\s+is|'s)?|\bname\s*[:：]|\b(?:ask\s+for))[ \t]*(?P<v>{FULL})"),
)  # fmt: skip
"""Kind and pattern; the person is group `v`."""
CUES: tuple[tuple[Kind, str], ...] = (
    ("name", rf"(?m:^)[ \t]*(?:(?i:bed|rm|room)[ \t]*)?(?:[A-Z]?\d{{2,3}}[A-Z]?(?:-\d{{1,2}})?|[A-Z]\d{{1,2}}|\d{{1,2}}-\d{{1,2}})[ \t]*[-–—.):=|]?[ \t]+(?P<v>{FULL})(?=[ \t]*(?:[-–—:,(|]|\d{{1,3}}[ \t]?(?:yo|y/o|[MFymf])\b))"),
    ("name", rf"(?P<v>{FULL})(?![A-Za-z])[,;:]?[ \t]*[-–—(]?[ \t]*(?=(?:passport|DOB|dob|d\.o\.b|MRN|mrn|NHS|SSN|NRIC|HKID|IC\b|EDC|EDD|LMP|PID|URN?\b|hosp(?:ital)?\s+(?:no|number|id)|tel\b|mob(?:ile)?\b|phone|cell\b|ph[.:]|\+?\(?\d{{2,5}}\)?[ -]\d{{3,}}[ -]?\d{{2,}}|[a-z0-9._-]+@))"),
    ("name", rf"(?i:\b(?:under(?:\s+the\s+care\s+of)?|c/o|w/|via|per|d/w|s/b|r/v|i/c|h/o\s+to|ho\s+to|rvw\s+by|cc'?d?|o/b/o|attn|swap(?:s|ped)?\s+with|covers?\s+for|covering|covered\s+by|stand(?:s|ing)?\s+in\s+for|replaces?|replacing|relieved\s+by|escorted\s+by|chaperoned?(?:\s+by)?|assisted\s+by|interpreted\s+by|translated\s+by|supervised\s+by|cosigned\s+by|counter-?signed(?:\s+by)?|paged|bleeped|informed|notified|alerted|texted|rang|phoned|thanked|greeted|introduced|daughter-in-law|signed\s+for\s+by|collected\s+from|picked\s+up\s+by|dropped\s+off\s+by|love\s+from|yours|signed))[ \t:,]+(?P<v>(?-i:{FULL}))"),
    ("name", rf"[\"“‘'](?P<v>{WORD}(?:[ \t]+{WORD})?)[\"”’'](?=[ \t]+(?:was|is|should|has|had|not|but|instead|typed|spelt|spelled|misspel|reads?|recorded|entered|transcribed|for|appears|came|in[ \t]+the))"),
    ("name", rf"(?i:\b(?:typed|spelt|spelled|misspelt|misspelled|recorded|entered|transcribed|changed|corrected|renamed|amended|written|registered|filed|listed|logged|booked|labelled|labeled)[ \t]+(?:wrongly[ \t]+)?(?:as|to|under|for|in)|\b(?:instead\s+of|should\s+(?:be|read|say)|not\s+to\s+be\s+confused\s+with|mix(?:ed)?\s+up\s+with|confused\s+with))[ \t]+[\"“‘']?(?P<v>(?-i:{FULL}))"),
    ("physician", rf"(?P<v>{FULL})[ \t]*[,(–—-][ \t]*(?i:(?:the|your|our|my|a|an|acting|lead|senior|chief|staff|head|named|duty|on-call|clinical|community|practice|district|ward|charge|student|trainee|locum|deputy|assistant|associate|specialist|consultant|registered|health|social|support|care|case|key|link|school|mental|dental|speech|occupational|admin|reception|front|night|day)[ \t]+){{0,3}}(?i:visitor|worker|lead|clerk|doula|prescriber|practitioner|physician|doctor|gp|dietitian|dietician|nutritionist|optometrist|podiatrist|audiologist|radiographer|sonographer|phlebotomist|hygienist|scribe|typist|navigator|liaison|supervisor|director|principal|head|dispatcher|operator|handler|responder|investigator|co-?ordinator|researcher|psychologist|counsel+or|scientist|engineer|navigator|sister|HCA|RNC|RM|CNS|ANP|ACP|PA|SpR|SHO|HO|FY\d|RN|CNA|MA|EMT|OT|PT|SLT|BSc|MSc)\b"),
    ("physician", rf"(?i:\b(?:housekeeping|nursing|team|shift|site|bed|theatre|clinic|ward|floor|unit|pharmacy|lab|reception|admin|practice|project|trial|study|deputy|charge)[ \t]+(?:lead|manager|coordinator|supervisor|sister|nurse|clerk|porter|assistant|tech(?:nician)?|investigator|monitor|secretary))[ \t]+(?:is[ \t]+|was[ \t]+)?(?P<v>(?-i:{WORD}(?:[ \t]+{WORD})?))"),
    ("name", rf"(?i:\b(?:occupant|lodger|tenant|passenger|cyclist|pedestrian|bystander|householder|homeowner|keyholder|executor|trustee|attorney|advocate|proxy|sponsor|godmother|godfather|ex(?:-husband|-wife|-partner)?|missus|hubby|bro|sis|lad|lass|chap|bloke|guy|fella|son-in-law|little|big\s+(?:brother|sister)|twins?|triplets?|sibling|siblings|kids|children|parents|grandparents|players?|goalkeeper|captain|trainer|referee|pupil|year\s+\d+\s+pupil|teammate|classmate|workmate|pal|mate))[ \t]*[,:(]?[ \t]+(?P<v>(?-i:{FULL}))"),
    ("name", rf"(?m:^)[ \t]*[-–•*>]*[ \t]*(?P<v>{WORD}(?:[ \t]+{PARTICLES}?{WORD}){{1,3}})[ \t]*(?=[,;|–—-][ \t]*\S)"),
    ("name", rf"\b(?P<v>{WORD}(?:[ \t]+{WORD})?)[ \t]+(?:{HUMAN})\b"),
    ("physician", rf"\b(?i:(?:attending|reported|signed|electronically|referred|seen|dictated|reviewed|prescribed|consult(?:ed)?|ordered|performed|examined|verified|authori[sz]ed|pronounced|certified|discussed|handed\s+over|assessed|administered|collected|requested|witnessed|checked|spoke|liaised|(?-i:[Tt]aken|[Dd]one|[Gg]iven|[Ww]ritten))(?:\s+(?:physician|by|from|with|to))+|attn|attending|attention|radiologist|reviewer)[ \t:]+(?P<v>(?-i:{FULL}))"),
    ("physician", rf"(?<![A-Za-z])(?i:{_STAFF})(?:[ \t]*(?:\((?:print|sign)\))?[ \t]*[:：][ \t]*|[ \t]+(?:is|was)[ \t]+|[ \t]+)(?P<v>{FULL})"),
    ("physician", rf"(?<![A-Za-z])(?i:signed|sgd|by|per|w/|initialled|/s/)[:,]?[ \t]+(?P<v>(?:{WORD}|[A-Z]\.)(?:[ \t]+{PARTICLES}?{WORD}){{1,3}})"),
    ("name", rf"(?i:\b(?:named|called|known\s+as|signed|name\s+(?:as|was|of|on\s+\w+(?:\s+\w+)?)|goes\s+by|go\s+by)|(?-i:\b[Pp]atient)(?:\s+is)?,?(?=\s))[ \t]*(?P<v>{FULL})"),
    ("name", rf"(?m:^|(?<=[.;,|(\t])|(?<=\s\s))[ \t]*(?i:{_PERSON})[ \t]*[:：=][ \t]*(?P<v>{FULL})"),
    ("name", rf"(?i:\b(?:cardholder|card\s+holder|account\s+holder|policyholder|subscriber|insured|payee|recipient|beneficiary|resident|client|caller|claimant|student|pupil|employee|worker|driver|interpreter|informant|complainant|visitor|tenant|buzzer|receptionist|porter|cleaner|babysitter|nanny|teacher|coach|owner|c/o|nok|attn|surname(?:\s+maybe|\s+is)?|forename|née|nee|alias|aka))[ \t]+(?:is[ \t]+)?(?P<v>{FULL})"),
    ("name", rf"(?i:\b(?:this\s+is|i\s+am|i[’']m|it[’']?s))[ \t]+(?:(?:me|just|only)[, \t]+)?(?P<v>(?:{WORD}|{CAPS})(?:[ \t]+(?:{WORD}|{CAPS}))*)"),
    ("name", rf"(?i:\b(?:{RELATIVE})\b)[ \t]*[,:(]?[ \t]*(?:(?i:is|was|called|named)[ \t]+)?(?P<v>{FULL})"),
    ("name", rf"\b(?i:sincerely|regards|cheers|thanks|thank\s+you|thx|ta|love|hi|hello|dear|hey|best|wishes|faithfully|truly|yours|respectfully|cordially|morning|afternoon|evening|welcome|bye|sorry|ok|okay|yes|no|so|well),?\s+(?P<v>{FULL})(?=[ \t]*(?:[,.!?:;–—-]|\n|$))"),
    ("name", rf"(?i:\b(?:the\s+patient|pt|pts)),?[ \t]+(?P<v>{WORD}(?:[ \t]+{WORD}){{0,2}})(?=,|[ \t]+(?:is|was|has|had|{HUMAN})\b)"),
    ("name", rf"\b(?P<v>{FULL})[ \t]+(?:here\b(?=\s*[,.!])|speaking\b|again\b)"),
    ("name", rf"\b(?P<v>(?:{WORD}|{CAPS})(?:[ \t]+{PARTICLES}?(?:{WORD}|{CAPS}|[A-Z]\.?)){{0,3}})(?=,?[ \t]*\(?(?:is[ \t]+)?(?:an?[ \t]+|aged?[ \t]+|now[ \t]+)?\d{{1,3}}(?:[ -]?(?:years?|yrs?|y/?o\b|month|week|M\b|F\b|[ymf]\b)|[,)]))"),
    ("name", rf"\b(?P<v>{FULL})[ \t]*[,(][ \t]*(?:(?:h(?:is|er)|their|my|our|your|the(?:[ \t]+patient['’]?s)?)[ \t]+)?(?i:{RELATIVE})\b"),
    ("name", rf"(?i:\b(?:bed|room|rm|bay|cubicle|cube|side\s*room|chair|slot))[ \t]*(?:\d{{1,3}}[A-Z]?|[A-Z]\d{{1,2}}|[A-Z])[ \t]*(?:[-–—:,(=]|is|has)?[ \t]*(?P<v>{FULL})"),
    ("name", rf"\b[Tt]he[ \t]+(?P<v>{WORD}(?:-{WORD})?)[ \t]+(?:family|household|residence|couple|twins|brothers|sisters|boys?|girls?|baby|kids|children|case|lady|gentleman|man|woman|estate)\b"),
    ("name", rf"(?P<v>{FULL}),[ \t]+(?:(?:the|your|our|my|his|her|their|a|an)[ \t]+)?(?:[a-z]+[ \t]+){{0,2}}(?:coordinator|nurse|manager|secretary|receptionist|registrar|consultant|surgeon|pharmacist|physiotherapist|midwife|paramedic|technician|therapist|administrator|assistant|clerk|porter|carer|warden|matron|student|trainee|intern|resident|fellow|officer|teacher|volunteer|chaplain|advocate|interpreter|owner|driver|caller|patient|resident|SpR|SHO|desk|team)\b"),
    ("name", rf"\b\d{{1,2}}:\d{{2}}(?:\s?[ap]\.?m\.?)?\]?\s*[-–]?\s*(?:Agent\s+)?(?P<v>{WORD}(?:[ \t]+{WORD}){{0,2}})(?=\s?[:：]\s)"),
    ("name", rf"(?i:\b(?:me|us|mum|dad|myself))[ \t]*\([ \t]*(?P<v>{FULL})\)"),
)  # fmt: skip
"""As `SURE_CUES`, for words that are none of ordinary language."""
SLIGHT_CUES: tuple[tuple[Kind, str], ...] = (
    ("name", rf"[\"“‘'](?P<v>{WORD}(?:[ \t]+{WORD})?)[\"”’']"),
    ("name", rf"(?<=[.!?;:][ \t])(?P<v>{WORD}(?:[ \t]+{PARTICLES}?{WORD}){{0,2}})(?=[,:][ \t]|[ \t]*[.!]?$|[ \t]*\n)"),
    ("name", rf"(?<=[,;][ \t])(?P<v>{WORD}(?:[ \t]+{PARTICLES}?{WORD}){{0,2}})(?=[,;][ \t]|\.?$|\.?\n|[ \t]+and[ \t]+[A-Z])"),
    ("name", rf"\b(?P<v>{WORD})[ \t]+(?:swaps|swapped|covers|covered|will|won't|can|can't|could|would|should|may|might|must|is|isn't|was|wasn't|has|hasn't|had|got|gets|does|doesn't|did|didn't|took|takes|gave|gives|brought|brings|left|leaves|stayed|stays|felt|feels|lost|broke|hurt|hit|cut|ate|eats|slept|sleeps|walked|walks|drove|drives|sat|stood|died|passed|recovered|improved|gained|started|stopped|missed|failed|tolerated|remains|remained|continues|continued|lives|loves|likes|hates|uses|used|plays|played|hopes|seems|seemed|looks|looked|appeared|appears|reported|claims|claimed|explained|confirmed|administered|inserted|removed|performed|witnessed|documented|escorted|collects|collected|picks|picked|drops|dropped|sends|sent|knows|knew|found|finds|showed|shows|tried|tries|keeps|kept|let|made|makes|put|puts|ran|runs)\b"),
    ("name", rf"\b(?P<v>{WORD}(?:[ \t]+{WORD})?)[ \t]+(?:works|worked|began|needs|turned|turns|came|went|fell)\b"),
    ("name", rf"\b(?P<v>{FULL})['’]s?[ \t]+(?:\w+[ \t]+)?(?i:{RELATIVE}|appointment|results?|notes?|chart|prescription|bloods?|labs?|medication|meds|file|letter|scan|mri|ct|x-?ray|biopsy|referral|insulin|inhaler|surgery|operation|discharge|birthday|dob|mrn|gp|family|account|insurance|carer|caregiver)\b"),
    ("name", rf"(?m:^|(?<=[.;:,(]))[ \t]*(?:\d{{1,3}}[A-Z]?(?:-\d{{1,2}})?|[A-Z]\d{{1,2}})[ \t]*(?:[-–—.):=]|[ \t])[ \t]*(?P<v>{FULL})(?=[ \t]*(?:,|\(|$|\n|[-–—:]))"),
    ("name", rf"(?i:\b(?:ring|phone|call|text|email|contact|tell|ask|collect|escort|book|chase|page|bleep|inform|remind|update|message|meet|visit|admit|discharge|see|saw|seeing|met|told|asked|spoke\s+(?:to|with)|speak\s+(?:to|with)|talk(?:ed|ing)?\s+(?:to|with)|hand\s+over\s+to|copy(?:ing)?\s+in|refer(?:red|ring)?|on\s+behalf\s+of|belongs?\s+to|addressed\s+to|made\s+out\s+to|registered\s+to|in\s+the\s+name\s+of|accompanied\s+by|brought\s+in\s+by|driven\s+by|found\s+by|cared\s+for\s+by|lives?\s+with|married\s+to|re|about|regarding|for|with|from|by|to|and|one\s+for|two\s+for))[ \t]+(?:me[ \t,(]+)?(?P<v>(?:{WORD}|[A-Z]\.)(?:[ \t]+{PARTICLES}?{WORD}){{0,3}})"),
    ("name", rf"(?m:^)[ \t]*(?P<v>{WORD}(?:[ \t]+{WORD}){{0,2}})[ \t]*[:：](?=[ \t]*\S)"),
    ("name", rf"(?m:^)[ \t]*[-–—~x]?[ \t]*(?P<v>{WORD}(?:[ \t]+{PARTICLES}?{WORD}){{0,2}})[ \t]*x*[.,]?$"),
)  # fmt: skip
"""As `CUES`, for words one of which is on a list of names."""
