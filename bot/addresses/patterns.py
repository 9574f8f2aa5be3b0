"""The patterns by which parts of an address are known: cue words in all spellings, and numbers.

Patterns with the flag re.A are for lower-case text in Latin letters: that is three times as fast as re.I.
"""

from __future__ import annotations

import re

from bot.addresses.text import word_set

#: Words of addresses in other scripts; transliteration would hide them ("mkan nm").
NATIVE = {
    "मकान|घर|বাড়ি|বাড়ী|বাসা|হাউস|ఇంటి|ఇల్లు|வீட்டு|வீடு|ಮನೆ|വീട്ടു|വീട്|ઘર|મકાન|ਮਕਾਨ|ਘਰ|مکان|گھر|منزل|بيت|ଘର": "house",
    "नं\\.?|नंबर|नम्बर|क्रमांक|क्र\\.|নং|নম্বর|నంబర్|నెంబర్|నం\\.?|నెం\\.?|எண்|ಸಂಖ್ಯೆ|ನಂ\\.?|നമ്പർ|નં\\.?|નંબર|"
    "ਨੰ\\.?|ਨੰਬਰ|نمبر|رقم|ନଂ": "no",
    "फ्लैट|फ्लॅट|ফ্ল্যাট|ఫ్లాట్|பிளாட்|ಫ್ಲಾಟ್|ഫ്ലാറ്റ്|ફ્લેટ|ਫਲੈਟ|فلیٹ|شقة|شقه": "flat",
    "दुकान|দোকান|దుకాణం|கடை|ಅಂಗಡಿ|દુકાન|ਦੁਕਾਨ|دکان|محل": "shop",
    "प्लॉट|প্লট|ప్లాట్|ಪ್ಲಾಟ್|પ્લોટ|ਪਲਾਟ|پلاٹ": "plot",
    "गली|গলি|గల్లీ|ગલી|ਗਲੀ|گلی": "gali",
    "रोड|सड़क|রোড|সড়ক|రోడ్డు|రోడ్|சாலை|ರಸ್ತೆ|റോഡ്|રોડ|ਰੋਡ|روڈ|طريق|ରୋଡ": "road",
    "मार्ग|ಮಾರ್ಗ|માર્ગ": "marg",
    "వీధి|தெரு|ಬೀದಿ|شارع": "street",
    "के पास|के निकट|के नजदीक|के नज़दीक|کے پاس|کے قریب": "ke paas",
    "के सामने|کے سامنے": "ke samne",
    "के पीछे|کے پیچھے": "ke piche",
    "जवळ|কাছে|পাশে|నిকট|దగ్గర|அருகில்|ಹತ್ತಿರ|അടുത്ത്|પાસે|ਨੇੜੇ|ਕੋਲ": "ke paas",
    "समोर|সামনে|ఎదురుగా|எதிரில்|ಎದುರು|എതിർവശം|સામે|ਸਾਹਮਣੇ": "ke samne",
    "بجوار|بجانب|قرب|بالقرب من|خلف": "near",
    "أمام|امام": "opp",
    "गाँव|गांव|ग्राम|গ্রাম|గ్రామం|கிராமம்|ಗ್ರಾಮ|ഗ്രാമം|ગામ|ਪਿੰਡ|گاؤں|قرية": "village",
    "पोस्ट|ডাকঘর|పోస్ట్|ಪೋಸ್ಟ್|ਡਾਕਖਾਨਾ": "post",
    "तहसील|तालुका|তহসিল|ತಾಲ್ಲೂಕು|તાલુકો|ਤਹਿਸੀਲ|تحصیل": "tehsil",
    "मु\\.?\\s?पो\\.?|मुक्काम पोस्ट|मु\\. पोस्ट": "at post",
    "ता\\.": "tal",
    "जि\\.": "dist",
    "जिला|ज़िला|जिल्हा|জেলা|జిల్లా|மாவட்டம்|ಜಿಲ್ಲೆ|ജില്ല|જિલ્લો|ਜ਼ਿਲ੍ਹਾ|ضلع": "district",
    "सेक्टर|সেক্টর|సెక్టార్|ಸೆಕ್ಟರ್|સેક્ટર|ਸੈਕਟਰ|سیکٹر": "sector",
    "वार्ड|ওয়ার্ড|వార్డు|ವಾರ್ಡ್|વોર્ડ|ਵਾਰਡ|وارڈ": "ward",
    "ब्लॉक|ব্লক|బ్లాక్|ಬ್ಲಾಕ್|બ્લોક|ਬਲਾਕ|بلاک|بلوك|قطعة": "block",
    "मंजिल|मंज़िल|তলা|అంతస్తు|ಮಹಡಿ|માળ|ਮੰਜ਼ਿਲ|الدور|الطابق": "floor",
    "पिन|पिनकोड|পিন|పిన్|ಪಿನ್|પિન|ਪਿੰਨ|الرمز البريدي": "pin",
    "عمارة|مبنى|برج|عماره": "building",
    "فيلا": "villa",
    "حي": "hay",
    "नगर|নগর|నగర్|நகர்|ನಗರ|નગર|ਨਗਰ|نگر": "nagar",
    "कॉलोनी|कालोनी|कॉलनी|কলোনি|কলোনী|కాలనీ|காலனி|ಕಾಲೋನಿ|കോളനി|કોલોની|ਕਲੋਨੀ|ਕਾਲੋਨੀ|کالونی": "colony",
    "बाजार|बाज़ार|বাজার|బజార్|બજાર|ਬਾਜ਼ਾਰ|ਬਜ਼ਾਰ|بازار": "bazar",
    "अपार्टमेंट|अपार्टमेंट्स|অ্যাপার্টমেন্ট|అపార్ట్‌మెంట్|అపార్ట్మెంట్|அபார்ட்மெண்ட்|அப்பார்ட்மெண்ட்|ಅಪಾರ್ಟ್ಮೆಂಟ್|"
    "ಅಪಾರ್ಟ್‌ಮೆಂಟ್|അപ്പാർട്ട്മെന്റ്|એપાર્ટમેન્ટ|ਅਪਾਰਟਮੈਂਟ|اپارٹمنٹ": "apartment",
    "सोसायटी|सोसाइटी|সোসাইটি|సొసైటీ|ಸೊಸೈಟಿ|સોસાયટી|ਸੁਸਾਇਟੀ|سوسائٹی": "society",
    "टावर|टॉवर|টাওয়ার|టవర్|டவர்|ಟವರ್|ടവർ|ટાવર|ਟਾਵਰ|ٹاور": "tower",
    "ಅಡ್ಡರಸ್ತೆ|ಕ್ರಾಸ್|క్రాస్|கிராஸ்|क्रॉस": "cross",
    "،|؛|।": ",",
}

_LETTER_OR_MARK = r"[\w\u0900-\u0dff]"

NATIVE_WORDS = [
    (
        re.compile(words if word == "," else rf"(?<!{_LETTER_OR_MARK})(?:{words})(?!{_LETTER_OR_MARK})"),
        f" {word} " if word != "," else ", ",
    )
    for words, word in NATIVE.items()
]
#: Endings of ordinals: "4ನೇ" is "4th".
NATIVE_WORDS.insert(0, (re.compile("(?<=[0-9])\\s?(?:ನೇ|వ|வது|ாவது|ാം|वीं|वां|वा|वी|व्या|મી|મો|ਵੀਂ|তম|য়)(?!\\w)"), "th "))

NOT_HOUSE = re.compile(
    r"\b(?:sec(?:tor|t)?s?|phase|ph|ward|w\.?\s?n|block|blk|b\.?k|nh|sh|n\.?h|s\.?h|floor|flr|street|st|gali|"
    r"galli|gully|lane|road|rd|cross|main|stage|division|pocket|"
    r"pkt|zone|pin(?: ?code)?|phone|mob(?:ile)?|tel|contact|km|gate|platform|pillar|type|class|circle|bypass|"
    r"bye ?pass|highway|zip|bus|route|plant|unit area)\s?"
    r"(?:nos?|number|n0)?[\s.:#\-]*(?:(?<![a-z])[a-z]{1,2}[ \-]?)?\d{1,4}(?:\s?[-/&,]\s?\d{1,3}|"
    r"\s?[-/]?\s?[a-z](?![a-z]))?(?![\d/-]*\d)"
    r"|\b(?:sector|block|phase|ward|pocket|zone|wing)\s?[-.:]?\s?[a-z](?![a-z])"
    r"|(?<!#)(?<!# )\b\d{1,3}\s?(?:st|nd|rd|th)\b(?!\s?[#\d]|\s?no\b)"
    r"|\b\d+(?:\.\d+)?\s?(?:feet|ft|fit|foot|kms?|mtrs?|meters?|metres?|years|yrs|bigha|acres?|am|pm|hrs|mile|"
    r"miles|stone)\b"
    r"|\b(?:19|20)\d\d\b(?=\s*(?:year|batch))"
    r"|\b\d{1,4}\.?\s?(?:sok|sokak|sk|cad|cadde|caddesi)\b",
    re.A,
)

HOUSE_CUE = re.compile(
    r"(?<![a-z])(?:(?P<unit>flat|apartment|apt|appt|unit|room|suite|office|f(?=\.?\s?no\b)|r(?=\.?\s?no\b)|"
    r"imm(?:euble)?)"
    r"|(?P<house>house|hous|sco|scf|sbo|booth|shed|shop|survey|store|stall|plot|door|h|d|door|dr|p|plot|plt|s|"
    r"shop|q|qtrs?|quarters?|qr|bungalow|bunglow|villa|premises|property|holding|hold|municipal|muni|makan|"
    r"makaan|ghar|"
    r"khasra|khata|khewat|kh|survey|sur|sy|sr|s\.?f|r\.?s|c\.?t\.?s|c\.?s|t\.?c|gat|gut|sco|scf|sbo|sco ?no|booth|"
    r"building|bldg|blg|bhavan|tower no|old|new|ground|stall|gala|godown|shed|"
    r"mcd|mpl|m\.?c|g\.?p|gp|gram panchayat|milkat|assessment|asst|t\.?s|t\.?p|f\.?p|cabin|chamber|kothi|store|"
    r"showroom|jalan|jl|lot|hous|no|rumah|khewat ?no|bangla))"
    r"(?:(?<=[a-z])\.|(?<=\b[a-z])/(?=n))?\s?(?P<no>(?:nos?|num(?:ber)?|n0)(?![a-z])|[#&]|"
    r"(?<=\b[a-z])/?)?[\s.,:#\-]*(?P<num>(?:[a-z]{1,4}\s?[-/.]\s?|[a-z]{1,2}\s?)?\d{1,5}(?!\d)"
    r"(?:[a-z]{1,2}(?![a-z]))?(?:\s?[-/]\s?(?:\d{1,6}[a-z]?|[a-z]{1,2})(?![a-z\d]))*)",
    re.A,
)

BARE_NUMBER = re.compile(
    r"(?<![a-z\d/.&\-])(?:#\s?)?(?P<num>(?:[a-z]{1,3}\s?[-/]\s?|"
    r"[a-z]{1,2})?\d{1,5}(?!\d)(?:[a-z]{1,2}(?![a-z]))?(?:\s?[-/]\s?(?:\d{1,6}[a-z]?|"
    r"[a-z]{1,2})(?![a-z\d]))*)(?![\d.]*\d)",
    re.A,
)

_LANDMARK_CUE = (
    r"(?:near\s?by|near\s?to|near|nr|neaar|neer|opp(?:osite)?(?: to)?|opposit|behind|bhnd|behnd|beside|besides|"
    r"besid|next to|adjacent to|adjacent|adj(?: to)?|in ?front of|infront|above|below|"
    r"close to|landmark(?: is)?|back ?side of|backside|b/h|b/s|n/r|o/p|opp/|dekat|sebelah|depan|belakang|"
    r"vicino(?: a)?|accanto|across(?: from)?|along|towards|(?<![a-z]\s)ke pass|gan|doi dien|cerca de|frente a|"
    r"en face de|pres de|a cote de|tapat ng|malapit sa|likod ng)(?![a-z])"
)

_LANDMARK_AFTER = (
    r"(?:(?:ke|k|ki|ka)\s+)(?:paa?s+|sa?a?mne|samn[ae]y|pee?che+|pichhe|piche|bagal|baju|barabar|upar|uper|"
    r"neeche|niche|nazdeek|najdik|nikat|bazu|aage|age|andar)(?: (?:me(?:in)?|main))?(?![a-z])"
    r"|(?:jawal|javal|samor|mage|pase|samne|pakkathil|pakkam|arugil|ethiril|daggara|edurugaa?|hattira|eduru|"
    r"aduthu|opp?\.?side|kache|pashe)(?![a-z])"
)

_STOP = (
    r"(?=\s*(?:[,;|\n]|\s-\s|$|(?<![a-z])(?:h\.?\s?no|house\s?no|house\s?\d|flat|plot|shop\s?no|pin|pincode|"
    r"phone|mob|vill(?:age)?\b|dist\b|p\.?o\.?\b|post\b|tehsil|call|landmark|"
    r"\d{1,2}(?:st|nd|rd|th)?\s?floor|ground floor|near|nr|opp|behind|beside|next to|in front of)(?![a-z])))"
)

LANDMARK = re.compile(rf"(?<![a-z/]){_LANDMARK_CUE}[\s.:,\-]*(?P<name>[^,;|\n]+?){_STOP}", re.A)

LANDMARK_AFTER = re.compile(rf"(?P<name>[^,;|\n]+?)\s+(?:{_LANDMARK_AFTER})", re.A)

LANDMARK_WORD = re.compile(rf"(?<![a-z/]){_LANDMARK_CUE}|{_LANDMARK_AFTER}", re.I)

CARE_OF = re.compile(
    r"(?<![a-z])(?:[swdcf]\s?/\s?o|care of|son of|d/o|wife of)[\s.:\-]*(?P<name>[^,;|\n]+?)(?=\s*(?:[,;|\n]|$|"
    r"\b(?:vill|h\.?no|house|near|nr|post|gali)\b))",
    re.A,
)

FLOOR = re.compile(
    r"(?<![a-z\d])(?:(?P<n>\d{1,2})\s?(?:st|nd|rd|th)?|(?P<word>ground|gr|first|second|third|fourth|fifth|"
    r"sixth|upper ground|lower ground|top|basement|g|i|ii|iii|iv))\s?(?:floor|flr|flor|fl|lantai|mala|manzil|"
    r"manjil)(?![a-z])"
    r"|(?<![a-z])(?:floor|flr|lantai|lt|piano|piso|etage)\s?(?:no)?[\s.:\-]*(?P<n2>\d{1,2}|ground|first)(?![\da-z])",
    re.A,
)

TOWER = re.compile(r"(?<![a-z])(?:tower|twr)\s?(?:no)?[\s.:\-]*(?P<name>\d{1,3}[a-z]?|[a-z]\d?)(?![a-z\d])", re.A)

WING = re.compile(r"(?<![a-z])(?:wing\s?[-:]?\s?(?P<name>[a-z\d]{1,2})|(?P<before>[a-z])[\s\-]?wing)(?![a-z\d])", re.A)

SUBLOCALITY = re.compile(
    r"(?<![a-z])(?:(?:sector|sec|sect|phase|ph|block|blk|pocket|pkt|stage|zone|"
    r"ward)\.?\s?(?:no)?[\s.:#\-]*(?:\d{1,3}(?:\s?[-/]?\s?[a-z](?![a-z]))?|"
    r"[a-z](?![a-z])(?:\s?[-/]?\s?\d{1,2})?|[ivx]{1,4}(?![a-z]))"
    r"|\d{1,2}(?:st|nd|rd|th)\s(?:phase|block|stage|sector))",
    re.A,
)

LANE = re.compile(
    r"(?<![a-z])(?:(?:gali|galli|gully|lane|street|st|road|rd|cross|main)\s?(?:no|number|"
    r"num)?[\s.:#\-]*\d{1,3}[a-z]?(?![a-z\d/])"
    r"|\d{1,3}(?:st|nd|rd|th)?\s(?:cross(?: (?:road|street|st))?|main(?: road)?|street|avenue|lane|road|"
    r"gali)(?![a-z]))",
    re.A,
)

NAME = r"(?P<name>[a-z][a-z.\- ]{1,30}?)"

NEXT = (
    r"(?=\s*(?:[,;|\n(]|$|(?<![a-z])(?:post|p\.?o|vill(?:age)?|teh(?:sil)?|tal(?:uka?)?|dist(?:t|rict)?|mandal|"
    r"via|near|nr|block|p\.?s|thana|ps|at|pin|h\.?no|house|state|opp|\d)(?![a-z])))"
)

_RURAL_CUES = {
    "village": r"vill(?:age)?|vpo|v\.p\.o|v\.?\s?&\s?p\.?o|gram|gaon|gaanv|gav|grama?m|"
    r"at(?=[ \-/&]*(?:po(?:st)?)?\b[ .:\-])",
    "post": r"post(?: office)?|p\.?\s?o|po",
    "tehsil": r"teh(?:sil)?|tahsil|taluka?|talq|tal|tq|mandal|thana|thsil",
    "district": r"dist(?:rict|t)?|zilla|jilla",
}
_JOINT = r"\.?[\s.:\-]+"
_RURAL_JOINTS = {"village": r"\.?(?:\s?[&/+]\s?(?:po(?:st)?|p\.o))?\.?[\s.:\-]+", "post": _JOINT + r"(?!box)"}

RURAL = {
    kind: re.compile(rf"(?<![a-z])(?:{cues}){_RURAL_JOINTS.get(kind, _JOINT)}{NAME}{NEXT}", re.A)
    for kind, cues in _RURAL_CUES.items()
}

VILLAGE_CUE = re.compile(
    r"(?<![a-z])(?:vill(?:age)?|vpo|v\.p\.o|gram|gaon|gaanv|post|p\.?\s?o|at|teh(?:sil)?|tahsil|taluka?|tal|tq|"
    r"mandal|dist(?:t|rict)?|via|block|panchayat|thana|p\.?s|mouza|mauja)(?![a-z])",
    re.A,
)

#: Words of which one stands in every match of `VILLAGE_SURE`.
VILLAGE_WORDS = word_set("vill village vpo v gram gaon gaanv at panchayat mouza mauja dusun desa kampung")

VILLAGE_SURE = re.compile(
    r"(?<![a-z])(?:vill(?:age)?|vpo|v\.p\.o|gram|gaon|gaanv|at|panchayat|mouza|mauja|dusun|desa|"
    r"kampung)(?![a-z])",
    re.A,
)

BUILDING_WORDS = word_set("""
    apartment apartments apt apts appt appts residency residence residences tower towers height heights complex
    society soc chs chsl mansion arcade plaza building bldg blg bhavan bhawan niwas nivas sadan hostel villa villas
    castle homes chamber chambers palace manor hub mall centre center habitat kunj kutir dham condominium court
    splendor splendora splendoura gateway flats quarters campus house
    """)

STREET_WORDS = word_set("""
    road rd marg street highstreet st path avenue ave salai boulevard sarani rasta highway bypass expressway lane
    veedhi theru chowk jvlr gali drive
    """)

LOCALITY_WORDS = word_set("""
    nagar ngr colony clny vihar enclave encl puram pura layout extension extn ext gunj ganj bagh garden gardens
    estate market bazar bazaar mohalla pet pettah peth wadi pally palli guda town lines cantt nager village chawl
    basti para kunj hills park east west north south khurd kalan puri pur abad township scheme society area sector
    """)

ONLY_CUES = re.compile(
    r"(?a)(?:(?:dist(?:rict|t)?|teh(?:sil)?|tal(?:uka?)?|state|city|po|ps|post|via|at|and|the|in|pin|near|"
    r"vill(?:age)?)[\s.:\-&]*)+$"
)

ADMINISTRATIVE = re.compile(r"(?a)^(?:via|block(?= [a-z]{3})|mandal|thana|p\.?s\.?)[\s.:\-]+(?=[a-z]{3})")

LEADING_TYPE = re.compile(r"(?a)^(?:type|class|category|typ)[\s\-]*(?:\d+|[ivx]+)\s+")

ENDING_SUBLOCALITY = re.compile(
    r"(?a)^(?P<name>[a-z].{3,}?)[\s\-,(]+(?P<sub>(?:sector|sec|phase|block|pocket|"
    r"stage)\.?\s?(?:no)?[\s.:#\-]*(?:\d{1,3}[a-z]?|[a-z]|[ivx]{1,4})|\d{1,2}(?:st|nd|rd|th)\s(?:phase|block|"
    r"stage|sector))\)?$"
)

SHORT = {
    "ngr": "nagar",
    "nager": "nagar",
    "clny": "colony",
    "apt": "apartment",
    "apts": "apartments",
    "appt": "apartment",
    "soc": "society",
    "extn": "extension",
    "encl": "enclave",
    "bldg": "building",
    "blg": "building",
    "rd": "road",
    "sec": "sector",
}

SHORTHAND = frozenset(SHORT)

SHORT_WORD = re.compile(r"(?<![a-z\d])(?:" + "|".join(SHORT) + r")(?![a-z])\.?", re.I)

#: First words of cues: a text without them is spared the patterns.
LANDMARK_WORDS = word_set("""
    near nearby nearto nr neaar neer opp opposite opposit behind bhnd behnd beside besides besid next adjacent
    adj in infront above below close landmark back backside dekat sebelah depan belakang vicino accanto across
    along towards gan doi cerca frente en pres a tapat malapit likod ke
    """)

AFTER_WORDS = word_set(
    "ke k ki ka jawal javal samor mage pase samne pakkathil pakkam arugil ethiril daggara edurugaa eduruga "
    "hattira eduru aduthu opp oppside kache pashe"
)

#: Kind of part -> words of which one stands in every match of its pattern.
RURAL_WORDS = {
    "village": word_set("vill village vpo v gram gaon gaanv gav grama gramam at"),
    "post": word_set("post p po"),
    "tehsil": word_set("teh tehsil tahsil tal taluk taluka talq tq mandal thana thsil"),
    "district": word_set("dist distt district zilla jilla"),
}

FLOOR_WORDS = word_set("floor flr flor fl lantai mala manzil manjil lt piano piso etage")
