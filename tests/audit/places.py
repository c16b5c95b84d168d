"""What pages, files, the one-page PDF, *Situation*, notes and commands tell of campaigns, and where it differs.

Each label of a number is known here by the key that it counts: one that is not is a difference.
"""

import csv
import io
import re
from collections import defaultdict

from python_calamine import CalamineWorkbook

from tests.audit import recount, told
from tests.needed import words_of_pdf
from tests.pages import cells, elements, links, text_of

NUMBER = r"(\d{1,3}(?: \d{3})+|\d+)"
WORDS = {
    "Visés": "targeted",
    "Hors cible": "out_of_scope",
    "Concernés": "concerned",
    "Avaient déjà adhéré": "already_joined",
    "Exceptés": "excepted",
    "Se sont manifestés avant le courriel": "stopped",
    "À atteindre": "to_reach",
    "Sans adresse utilisable": "no_address",
    "Non envoyés": "not_sent",
    "Recevront": "to_come",
    "Destinataires": "recipients",
    "Remis": "handed_over",
    "En chemin ou en doute": "on_the_way",
    "Revenus": "returned",
    "Ont réagi": "reached",
    "Présumés atteints": "presumed",
    "Remis, retours non lus": "unread",
    "Trop tôt pour le dire": "too_early",
    "À atteindre encore": "left",
    "N’ont pas réagi": "silent",
    "Entrés après la première vague": "entered_later",
    "Ont répondu": "answered",
    "Déclarent adhérer": "declared",
    "Adhésions confirmées": "joined_since",
    "Toutes leurs écoles": "joined_all",
    "Avaient adhéré avant": "had_joined",
    "À vérifier": "to_verify",
}
OF_REACH = {
    "reached": r"(?:a|ont) réagi",
    "presumed": "présumés? atteints?",
    "unread": "remis au serveur d’envoi, retours non lus",
    "too_early": rf"il est trop tôt pour {NUMBER}",  # the one that stands before its number
    "left": "à atteindre encore",
}
CHAIN = {
    "Concernés": "concerned",
    "Reçoivent": "recipients",
    "Remis": "handed_over",
    "Ont répondu": "answered",
    "Adhésions confirmées": "joined_since",
}
IN_PDF = {
    "answered": r"(?:a|ont) répondu",
    "declared": r"(?:déclare|déclarent) adhérer",
    "joined_since": r"(?:a|ont) depuis une adhésion confirmée",
    "handed_over": "à qui un courriel a été remis",
    "silent": r"n’(?:a|ont) pas encore réagi",
}
IN_LIST = {"recipients": "destinataires?", "answered": "réponses?", "joined_since": "adhésions? confirmées?"}
SPACES = re.compile("[\u00a0\u202f\u2009\u2007\u00ad]")
FIGURES = tuple(key for key in WORDS.values())


def plain(text):
    return SPACES.sub(lambda found: "" if found[0] == "\u00ad" else " ", text)


def number(text):
    """A number as French text has it; None where none stands."""
    found = re.search(NUMBER, plain(text))
    return int(found[1].replace(" ", "")) if found else None


def in_sentence(text, words):
    """The number beside each of these words in a text; 0 where the words are not said."""
    found = {}
    for key, pattern in words.items():
        said = re.search(pattern if NUMBER in pattern else rf"{NUMBER} (?:{pattern})", plain(text))
        found[key] = int(said[1].replace(" ", "")) if said else 0
    return found


def lines_of(client, address):
    """The rows of a CSV file."""
    content = client.get(address).data.decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(content), delimiter=";"))


def sheets_of(client, address):
    """The rows of each sheet of a workbook, by its name."""
    book = CalamineWorkbook.from_filelike(io.BytesIO(client.get(address).data))
    found = {}
    for name in book.sheet_names:
        header, *lines = book.get_sheet_by_name(name).to_python()
        found[name] = [dict(zip(header, line, strict=True)) for line in lines]
    return found


def figures_in(row, beside=()):
    """The figures of a row of a file by their keys; a column that is neither one nor among those beside is unknown."""
    unknown = set(row) - {*WORDS, *beside}
    assert not unknown, f"columns that the auditor does not know: {unknown}"
    return {WORDS[label]: int(value) for label, value in row.items() if label in WORDS and value != ""}


def some(counted, keys):
    """These of the numbers; none of one that has no meaning."""
    return {key: counted[key] for key in keys if counted[key] is not None}


class Places:
    """A signed-in author, a program and the auditor of the same moment."""

    def __init__(self, client, audit, behind=FIGURES):
        """`behind`: the figures of which the list is counted; each costs as much as the campaign's counts."""
        self.client, self.audit, self.behind, self.parts = client, audit, behind, {}
        self.counted = {one["id"]: audit.counts(one["id"], beside=True) for one in audit.rows["campaigns"]}

    def only(self, campaign, network):
        """The numbers of the authorities of one network, by its code."""
        theirs = {key for key, row in self.audit.authority.items() if self.audit.network[row["network_id"]] == network}
        if (campaign, network) not in self.parts:
            self.parts[campaign, network] = self.audit.counts(campaign, only=theirs, beside=True)
        return self.parts[campaign, network]

    # -- the list of campaigns

    def of_list(self):
        """The list on its page and as files."""
        keys = ("recipients", "answered", "joined_since")
        counted = {campaign: some(of, keys) for campaign, of in self.counted.items()}
        beside = {"Numéro", "Campagne", "Volet", "Circulaire", "Auteur", "Public", "Prochaine date", "État"}
        beside |= {"Programme", "Code du programme"}
        found = []
        rows = {"CSV": lines_of(self.client, "/campaigns/export.csv")}
        rows["XLSX"] = next(iter(sheets_of(self.client, "/campaigns/export.xlsx").values()))
        for way, lines in rows.items():
            said = {int(row["Numéro"]): figures_in(row, beside) for row in lines}
            found += told.differences(f"list of campaigns, {way}", self.filled(said, counted), counted)
        said = defaultdict(dict)
        page = self.client.get("/campaigns?size=100")
        for line in elements(page, "tbody/tr"):
            (at,) = (re.fullmatch(r"/campaigns/(\d+)", link.get("href")) for link in elements(line, "th//a"))
            came = in_sentence(text_of(line), IN_LIST)
            said[int(at[1])] = {key: came[key] for key in counted[int(at[1])]}
        return found + told.differences("list of campaigns", self.filled(said, counted), counted)

    def filled(self, said, counted):
        """A campaign of which nothing came says nothing: a dash, for 0."""
        return {campaign: {**dict.fromkeys(of, 0), **said.get(campaign, {})} for campaign, of in counted.items()}

    # -- a campaign that has begun

    def of_campaign(self, campaign):
        """Every page and file of one campaign."""
        has_begun = any(one["mailing_id"] for one in self.audit.rows["waves"] if one["campaign_id"] == campaign)
        if not has_begun:
            return [*self.of_steps(campaign), *self.of_tabs(campaign)]
        parts = (self.of_progress, self.of_waves, self.of_results, self.of_lists, self.of_tabs, self.of_summary)
        return [one for part in parts for one in part(campaign)]

    def of_steps(self, campaign):
        """Whom the audience's page and the check's say that it would write to, of a campaign that has not begun."""
        counted = self.counted[campaign]
        if not counted["targeted"]:
            return []
        found = []
        for page in ("audience", "check"):
            shown = self.client.get(f"/campaigns/{campaign}/{page}")
            rows = dict(row for table in elements(shown, "table") for row in cells(table) if len(row) == 2)
            names = {"Visés": "targeted", "Concernés": "concerned", "Reçoivent": "to_come"}
            said = {key: number(value) for label, value in rows.items() for word, key in names.items()
                    if label.startswith(word)}  # fmt: skip
            assert {"targeted", "to_come"} <= said.keys()
            found += told.differences(f"campaign {campaign}, {page}", said, some(counted, said))
        return found

    def of_progress(self, campaign):
        """« Suivi »: its chain, each number that leads to its list, the table of networks; none as letters leave."""
        counted, page = self.counted[campaign], self.client.get(f"/campaigns/{campaign}/progress")
        chains = elements(page, "table[@class='chain']")
        if not chains:
            return []
        rows = {row[0]: number(row[1]) for row in cells(chains[0], without={"ds-sr-only"})}
        said = {key: rows[word] for word, key in CHAIN.items() if word in rows}
        for address, label in links(elements(page, "*[@id='moment']")[0], f"/campaigns/{campaign}/authorities?figure="):
            if "network=" not in address:
                said[address.rpartition("figure=")[2]] = number(label)
        found = told.differences(f"campaign {campaign}, Suivi", said, some(counted, said))
        (reach,) = (one for one in map(text_of, elements(page, "p")) if "à atteindre" in one and "PO" in one)
        found += self.of_reach_sentence(f"campaign {campaign}, Suivi", reach, counted)
        labels = {one["label"]: one["code"] for one in self.audit.rows["networks"]}
        for table in elements(page, "div[@aria-label='Résultats par réseau']/table"):
            header, *lines = cells(table, without={"ds-sr-only", "share"})
            for label, *values in lines:
                of = counted if label == "Total" else self.only(campaign, labels[label])
                said = {WORDS[word]: number(value) for word, value in zip(header[1:], values, strict=True)}
                found += told.differences(f"campaign {campaign}, Suivi, {label}", said, some(of, said))
        return found

    def of_reach_sentence(self, where, sentence, counted):
        """Whom it reached, in one sentence."""
        if not counted["to_reach"]:
            return [] if sentence.startswith("Aucun PO") else [f"{where}: {sentence}"]
        said = {**in_sentence(sentence, OF_REACH), "to_reach": number(sentence)}
        return told.differences(where, said, some(counted, said))

    def of_waves(self, campaign):
        """« Relances »: what became of each wave's letters."""
        page, found, compared = self.client.get(f"/campaigns/{campaign}/progress/waves"), [], set()
        waves = [one for one in self.audit.rows["waves"] if one["campaign_id"] == campaign]
        waves = {one["number"]: one for one in waves if one["mailing_id"] is not None}
        for row in elements(page, "tbody/tr"):
            cells_of = {cell.get("data-label"): cell for cell in row if cell.get("class") == "number"}
            if "Courriels" not in cells_of:
                continue
            (link, *_) = elements(row, "th/a")
            wave = waves[int(re.search(r"wave=(\d+)", link.get("href"))[1])]
            compared.add(wave["number"])
            states, _ = self.audit.of_wave(wave["id"])
            waiting = states.get("queued", 0) + states.get("handing", 0)
            counted = {
                "Courriels": sum(states.values()) - states.get("withdrawn", 0),
                "Remis": states.get("accepted", 0),
                "attendent": waiting,
                "Refusés": states.get("refused", 0),
                "Expirés": states.get("expired", 0),
                "En doute": states.get("in_doubt", 0),
                "Écartés": states.get("withdrawn", 0),
            }
            said = {label: number(text_of(cell, without={"ds-sr-only"})) for label, cell in cells_of.items()}
            said["attendent"] = said.pop("En attente") + said.pop("Reportés")
            found += told.differences(f"campaign {campaign}, wave {wave['number']}, Relances", said, counted)
        return found + differ(f"campaign {campaign}, Relances, waves", compared, set(waves))

    def of_results(self, campaign):
        """The results as files: by network, in schools, and the way."""
        found, beside = [], {"Réseau", "Code du réseau", "Réseau au registre", "Campagne"}
        beside |= {"Programme", "Code du programme"}
        base = f"/campaigns/{campaign}/results/export"
        book = sheets_of(self.client, f"{base}.xlsx")
        for way, lines in (("CSV", lines_of(self.client, f"{base}.csv")), ("XLSX", book["Résultats"])):
            for row in lines:
                code = next(row[name] for name in ("Réseau au registre", "Code du réseau") if name in row).lstrip("'")
                counted = self.only(campaign, code) if code else self.counted[campaign]
                said = figures_in(row, beside)
                where = f"campaign {campaign}, results, {way}, {code or 'total'}"
                found += told.differences(where, said, some(counted, FIGURES))
        schools = {WORDS[row["Nombre"]]: int(row["Écoles"]) for row in book["Écoles"]}
        of_schools = self.counted[campaign]["schools"]
        found += told.differences(f"campaign {campaign}, results, schools", schools, some(of_schools, FIGURES))
        for row in book["Parcours"]:
            key = WORDS[row["Étape"]]
            said = {"PO": int(row["PO"]), "Écoles": int(row["Écoles"])}
            counted = {"PO": self.counted[campaign][key], "Écoles": of_schools[key]}
            found += told.differences(f"campaign {campaign}, way, {key}", said, counted)
        return found

    def of_lists(self, campaign):
        """Behind each figure stand as many authorities as it says."""
        base = f"/campaigns/{campaign}/authorities/export.csv?figure="
        told_keys = [key for key in self.behind if self.counted[campaign][key] is not None]
        said = {key: self.authorities_in(lines_of(self.client, base + key)) for key in told_keys}
        return told.differences(f"campaign {campaign}, lists behind figures", said, some(self.counted[campaign], said))

    def authorities_in(self, lines):
        """How many rows of a file are authorities: what its words mean follows them."""
        fases = {str(row["fase"]) for row in self.audit.authority.values()}
        return sum(not fases.isdisjoint(row.values()) for row in lines if None not in row)

    def of_tabs(self, campaign):
        """« Pouvoirs organisateurs »: the numbers beside its filters."""
        page = self.client.get(f"/campaigns/{campaign}/authorities")
        tabs = [text_of(link) for link in elements(page, "nav[@aria-label='Filtrer']//a")]
        said = {WORDS[tab.rpartition(" (")[0]]: number(tab.rpartition(" (")[2]) for tab in tabs}
        where = f"campaign {campaign}, Pouvoirs organisateurs"
        return told.differences(where, said, some(self.counted[campaign], said))

    def of_summary(self, campaign):
        """The one-page PDF: its first sentences."""
        counted, answer = self.counted[campaign], self.client.get(f"/campaigns/{campaign}/summary.pdf")
        if answer.mimetype != "application/pdf":
            return [f"campaign {campaign} has no summary"] if counted["recipients"] else []
        text = " ".join(plain(words_of_pdf(answer.data, "-layout")).split())
        (lead, *_) = re.findall(
            r"Sur .*? que la campagne concerne, .*?\.(?: Sur [\d ]+ à qui [^.]* n’\w+ pas encore réagi\.)?", text
        )
        said = in_sentence(lead, IN_PDF)
        said["concerned"] = number(lead)
        said = said if said["silent"] else {key: of for key, of in said.items() if key != "handed_over"}
        return told.differences(
            f"campaign {campaign}, summary", said, {**dict.fromkeys(said, 0), **some(counted, said)}
        )

    # -- Situation, and notes

    def actions(self, code):
        """What the rows say of each wave that left, by campaign and wave, and of whom each campaign reached, of the
        programme with this code."""
        waves, campaigns = told.waves_about(self.audit, code), {}
        shown = told.campaigns_about(self.audit, code)
        for campaign, counted in self.counted.items():
            begun = any(one["campaign_id"] == campaign and one["mailing_id"] for one in self.audit.rows["waves"])
            if begun and counted["to_reach"] and campaign in shown:
                campaigns[campaign] = some(counted, ("to_reach", *recount.REACHES))
        return waves, campaigns

    def of_actions(self, code, by_command):
        """The actions that *Situation* lists of a programme, on its page, in files and as the command tells them."""
        waves, campaigns = self.actions(code)
        done = sorted(map(sorted_values, waves.values()))
        labels = {"meant": "Visés", "sent": "Destinataires", "delivered": "Remis", "answered": "Ont répondu"}
        book = sheets_of(self.client, f"/situation/actions.xlsx?programme={code}")
        files = {
            "CSV": lines_of(self.client, f"/situation/actions.csv?programme={code}"),
            "XLSX": next(iter(book.values())),
        }
        found = []
        for way, lines in files.items():
            said = sorted(
                tuple(int(row[label]) for label in labels.values()) for row in lines if row["État"] == "menée"
            )
            found += differ(f"actions, {way}", said, done)
            coming = [row for row in lines if row["État"] == "prévue"]
            found += differ(f"actions to come, {way}, Visés", {str(row["Visés"]) for row in coming} - {""}, set())
            would = sorted(int(row["Écrirait à"]) for row in coming if row["Écrirait à"] != "")
            found += differ(f"actions to come, {way}", would, self.would_get(code))
        page = self.client.get(f"/situation/actions?programme={code}")
        shown = [cells(table) for table in elements(page, "table")]
        said = [dict(zip(header, row, strict=True)) for header, *rows in shown for row in rows]
        said = sorted(
            tuple(number(row[plain(label)]) for label in labels.values()) for row in said if row["État"] == "menée"
        )
        found += differ("actions, page", said, done)
        links = {int(re.search(r"campaigns/(\d+)/", one[0].get("href"))[1]): text_of(one)
                 for one in elements(page, "li") if len(one) and "=to_reach" in one[0].get("href", "")}  # fmt: skip
        for campaign, sentence in links.items():
            said = in_sentence(sentence.rpartition(" : ")[0] + " : " + sentence.partition(" : ")[2], OF_REACH)
            found += told.differences(f"actions, page, reach of {campaign}", said, some(campaigns[campaign], OF_REACH))
        found += differ("actions, page, campaigns reached", sorted(links), sorted(campaigns))
        for row in book["Atteints"]:
            campaign, network = (
                int(row["Campagne"]),
                row.get("Code du réseau", row.get("Réseau au registre", "")).lstrip("'"),
            )
            beside = set(row) - set(WORDS)
            counted = self.only(campaign, network) if network else campaigns[campaign]
            said = figures_in(row, beside)
            found += told.differences(f"actions, sheet, reach of {campaign} {network}", said, some(counted, said))
        return found + told.of_actions_said(by_command, self.audit, code)

    def would_get(self, code):
        """To how many each planned wave of a programme would write, in order."""
        waves = [(self.audit.told(one["campaign_id"]), one) for one in told.waves_to_come(self.audit, code)]
        return sorted(len(self.audit.would_write(of, wave)) for of, wave in waves)

    def of_note(self, figures, code):
        """The actions and the reach of a note about a programme that was frozen at this moment."""
        waves, campaigns = self.actions(code)
        done = sorted(tuple(dict(one["counted"]).values()) for one in figures["actions"] if one["state"] == "done")
        found = differ("actions, note", done, sorted(map(sorted_values, waves.values())))
        titles = {one["id"]: one["title"] for one in self.audit.rows["campaigns"]}
        said = sorted([one["campaign"], one["authorities"], one["proved"], *dict(one["by"]).values()]
                      for one in figures.get("reached", ()))  # fmt: skip
        counted = sorted([titles[key], of["to_reach"], of["reached"], *(of[kind] for kind in recount.REACHES)]
                         for key, of in campaigns.items())  # fmt: skip
        for one in figures.get("reached", ()):
            parts = in_sentence(one["sentence"], OF_REACH)
            found += told.differences("reach, note's sentence", parts, {**dict.fromkeys(parts, 0), **dict(one["by"])})
        return found + differ("reach, note", said, counted)


def sorted_values(of):
    return of["meant"], of["sent"], of["delivered"], of["answered"]


def differ(what, said, counted):
    """The same of two lists."""
    return [] if said == counted else [f"{what}: the product says {said}, the rows say {counted}"]
