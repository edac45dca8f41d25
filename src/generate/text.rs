//! What people write, in five languages: short invented sentences that are combined.

use super::random::Random;

/// A language that customers write in and agents answer in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    En,
    Es,
    De,
    Cs,
    Fr,
}

impl Language {
    /// The two letters of ISO 639-1.
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Es => "es",
            Self::De => "de",
            Self::Cs => "cs",
            Self::Fr => "fr",
        }
    }
}

/// Several texts of the same meaning, by language.
pub(super) struct Phrase {
    en: &'static [&'static str],
    es: &'static [&'static str],
    de: &'static [&'static str],
    cs: &'static [&'static str],
    fr: &'static [&'static str],
}

impl Phrase {
    /// One of the texts.
    pub(super) fn say(&self, language: Language, random: &mut Random) -> &'static str {
        random.word(match language {
            Language::En => self.en,
            Language::Es => self.es,
            Language::De => self.de,
            Language::Cs => self.cs,
            Language::Fr => self.fr,
        })
    }
}

/// What a case is about.
pub(super) struct Topic {
    /// The value of the field `product`, for the topics that have one.
    pub(super) products: &'static [&'static str],
    /// How its customers feel, by weight.
    pub(super) sentiments: &'static [(&'static str, u64)],
    /// How urgent it is, by weight.
    pub(super) priorities: &'static [(&'static str, u64)],
    /// Whether an order number belongs to it.
    pub(super) has_order: bool,
    pub(super) question: Phrase,
}

/// A first message: perhaps a greeting, the question, perhaps an order number.
pub(super) fn question(topic: &Topic, language: Language, order: Option<u64>, random: &mut Random) -> String {
    let mut text = String::new();
    if random.chance(600) {
        text.push_str(HELLO.say(language, random));
        text.push(' ');
    }
    text.push_str(topic.question.say(language, random));
    if let Some(order) = order {
        text.push_str(ORDER.say(language, random));
        text.push_str(&order_number(order));
        text.push('.');
    }
    text
}

/// `LO-48213`
pub(super) fn order_number(order: u64) -> String {
    format!("LO-{order:05}")
}

/// An agent's answer: a greeting, what is done about it.
pub(super) fn answer(phrase: &Phrase, language: Language, random: &mut Random) -> String {
    format!("{} {}", HELLO.say(language, random), phrase.say(language, random))
}

const USUAL: &[(&str, u64)] = &[("low", 20), ("medium", 58), ("high", 17), ("urgent", 5)];
const PRESSING: &[(&str, u64)] = &[("low", 5), ("medium", 50), ("high", 33), ("urgent", 12)];
const IDLE: &[(&str, u64)] = &[("low", 75), ("medium", 25)];
const UPSET: &[(&str, u64)] = &[("negative", 70), ("neutral", 25), ("none", 5)];
const CALM: &[(&str, u64)] = &[("neutral", 60), ("none", 25), ("positive", 10), ("negative", 5)];

const LAMPS: &[&str] = &["aura-lamp", "pico-bulb"];
const FURNITURE: &[&str] = &["halden-table", "birk-shelf"];
const ALL: &[&str] = &["aura-lamp", "halden-table", "pico-bulb", "birk-shelf"];

pub(super) static LATE: Topic = Topic {
    products: &["delivery"],
    sentiments: UPSET,
    priorities: USUAL,
    has_order: true,
    question: Phrase {
        en: &[
            "my parcel was due on Monday and has not arrived.",
            "where is my delivery? The tracking has not moved for days.",
        ],
        es: &[
            "mi paquete tenía que llegar el lunes y no ha llegado.",
            "¿dónde está mi pedido? El seguimiento no avanza.",
        ],
        de: &[
            "mein Paket sollte am Montag kommen und ist noch nicht da.",
            "wo bleibt meine Lieferung? Die Sendung steht seit Tagen still.",
        ],
        cs: &["balík měl dorazit v pondělí a pořád nic.", "kde je moje zásilka? Sledování se už dny nehnulo."],
        fr: &["mon colis devait arriver lundi et toujours rien.", "où est ma livraison ? Le suivi n'avance plus."],
    },
};

pub(super) static BROKEN: Topic = Topic {
    products: ALL,
    sentiments: UPSET,
    priorities: PRESSING,
    has_order: true,
    question: Phrase {
        en: &["the lamp arrived with a broken shade.", "one leg of the table is cracked, see the photo."],
        es: &["la lámpara llegó con la pantalla rota.", "una pata de la mesa está rajada, mira la foto."],
        de: &["die Lampe kam mit zerbrochenem Schirm an.", "ein Tischbein hat einen Riss, siehe Foto."],
        cs: &["lampa přišla s rozbitým stínidlem.", "jedna noha stolu je prasklá, viz fotka."],
        fr: &["la lampe est arrivée avec l'abat-jour cassé.", "un pied de la table est fendu, voir la photo."],
    },
};

pub(super) static REFUND: Topic = Topic {
    products: ALL,
    sentiments: UPSET,
    priorities: PRESSING,
    has_order: true,
    question: Phrase {
        en: &[
            "I sent the shelf back two weeks ago and still wait for my refund.",
            "I would like my money back, please.",
        ],
        es: &["devolví la estantería hace dos semanas y sigo sin el reembolso.", "quiero el reembolso, por favor."],
        de: &["ich habe das Regal zurückgeschickt und möchte mein Geld zurück.", "wann bekomme ich mein Geld zurück?"],
        cs: &[
            "polici jsem vrátila před dvěma týdny, kdy mi chcete vrátit peníze?",
            "prosím vrátit peníze za objednávku.",
        ],
        fr: &[
            "j'ai renvoyé l'étagère il y a deux semaines, où est mon remboursement ?",
            "je souhaite un remboursement, s'il vous plaît.",
        ],
    },
};

pub(super) static QUESTION: Topic = Topic {
    products: LAMPS,
    sentiments: CALM,
    priorities: USUAL,
    has_order: false,
    question: Phrase {
        en: &["does the desk lamp come with a warm bulb?", "can the smart bulb be dimmed without the app?"],
        es: &["¿la lámpara trae una bombilla cálida?", "¿se puede regular la bombilla sin la aplicación?"],
        de: &["ist bei der Schreibtischlampe eine warme Birne dabei?", "lässt sich die Birne auch ohne App dimmen?"],
        cs: &["je u stolní lampy teplá žárovka?", "dá se žárovka stmívat i bez aplikace?"],
        fr: &[
            "la lampe de bureau est-elle livrée avec une ampoule chaude ?",
            "peut-on régler l'ampoule sans l'application ?",
        ],
    },
};

pub(super) static OAK: Topic = Topic {
    products: FURNITURE,
    sentiments: CALM,
    priorities: USUAL,
    has_order: false,
    question: Phrase {
        en: &["how do I oil the oak table?", "is the narrow shelf in stock again soon?"],
        es: &["¿cómo se aceita la mesa de roble?", "¿habrá pronto más estanterías estrechas?"],
        de: &["womit öle ich den Eichentisch?", "ist das schmale Regal bald wieder lieferbar?"],
        cs: &["čím mám natřít dubový stůl?", "bude úzká police brzy skladem?"],
        fr: &["comment huiler la table en chêne ?", "l'étagère étroite sera-t-elle bientôt disponible ?"],
    },
};

pub(super) static INVOICE: Topic = Topic {
    products: &[],
    sentiments: CALM,
    priorities: USUAL,
    has_order: true,
    question: Phrase {
        en: &["could you send the invoice again?", "our company's name is wrong on the invoice."],
        es: &["¿me podéis enviar otra vez la factura?", "el nombre de la empresa está mal en la factura."],
        de: &["können Sie mir die Rechnung noch einmal schicken?", "auf der Rechnung steht der falsche Firmenname."],
        cs: &["můžete mi znovu poslat fakturu?", "na faktuře je špatný název firmy."],
        fr: &["pouvez-vous renvoyer la facture ?", "le nom de notre société est faux sur la facture."],
    },
};

pub(super) static APP: Topic = Topic {
    products: &["app"],
    sentiments: UPSET,
    priorities: USUAL,
    has_order: false,
    question: Phrase {
        en: &["the app no longer finds my lights.", "since the update the evening scene does not start."],
        es: &["la aplicación ya no encuentra mis luces.", "desde la actualización no arranca la escena de noche."],
        de: &["die App findet meine Lampen nicht mehr.", "seit dem Update startet die Abendszene nicht."],
        cs: &["aplikace už nevidí moje světla.", "od aktualizace se nespouští večerní scéna."],
        fr: &["l'application ne trouve plus mes lampes.", "depuis la mise à jour, la scène du soir ne démarre plus."],
    },
};

pub(super) static PRAISE: Topic = Topic {
    products: ALL,
    sentiments: &[("positive", 95), ("neutral", 5)],
    priorities: IDLE,
    has_order: false,
    question: Phrase {
        en: &["the new table is a beauty, thank you!", "lovely lamp, my whole desk glows ☀"],
        es: &["¡la mesa nueva es preciosa, gracias!", "qué lámpara tan bonita, todo el escritorio brilla ☀"],
        de: &["der neue Tisch ist wunderschön, danke!", "tolle Lampe, der ganze Schreibtisch leuchtet ☀"],
        cs: &["nový stůl je nádhera, děkujeme!", "krásná lampa, celý stůl září ☀"],
        fr: &["la nouvelle table est superbe, merci !", "très belle lampe, tout le bureau rayonne ☀"],
    },
};

pub(super) static OUTAGE: Topic = Topic {
    products: &["app"],
    sentiments: &[("negative", 88), ("neutral", 12)],
    priorities: &[("medium", 20), ("high", 52), ("urgent", 28)],
    has_order: false,
    question: Phrase {
        en: &["none of my lights react, the house is dark!", "the app says “service unavailable” for hours now."],
        es: &[
            "ninguna luz responde, ¡la casa está a oscuras!",
            "la aplicación lleva horas con «servicio no disponible».",
        ],
        de: &[
            "keine Lampe reagiert, das ganze Haus ist dunkel!",
            "die App meldet seit Stunden „Dienst nicht verfügbar“.",
        ],
        cs: &["nereaguje ani jedno světlo, doma je tma!", "aplikace už hodiny hlásí „služba není dostupná“."],
        fr: &[
            "aucune lampe ne répond, la maison est dans le noir !",
            "l'application affiche « service indisponible » depuis des heures.",
        ],
    },
};

pub(super) static SPAM: Topic = Topic {
    products: &[],
    sentiments: &[("none", 70), ("neutral", 30)],
    priorities: IDLE,
    has_order: false,
    question: Phrase {
        en: &["earn 5,000 a week from home, write to me!", "best followers, best price!!!"],
        es: &["gana 5000 a la semana desde casa, ¡escríbeme!", "¡los mejores seguidores al mejor precio!"],
        de: &["5000 pro Woche von zu Hause, schreib mir!", "die besten Follower zum besten Preis!!!"],
        cs: &["vydělej 5000 týdně z domova, napiš mi!", "nejlepší sledující za nejlepší cenu!!!"],
        fr: &["gagnez 5000 par semaine chez vous, écrivez-moi !", "les meilleurs abonnés au meilleur prix !!!"],
    },
};

static HELLO: Phrase = Phrase {
    en: &["Hello,", "Hi,", "Good day,"],
    es: &["Hola,", "Buenos días,", "Buenas,"],
    de: &["Hallo,", "Guten Tag,", "Grüß Gott,"],
    cs: &["Dobrý den,", "Zdravím,", "Hezký den,"],
    fr: &["Bonjour,", "Bonsoir,", "Salut,"],
};

static ORDER: Phrase = Phrase {
    en: &[" My order: ", " Order number "],
    es: &[" Mi pedido: ", " Número de pedido "],
    de: &[" Meine Bestellung: ", " Bestellnummer "],
    cs: &[" Moje objednávka: ", " Číslo objednávky "],
    fr: &[" Ma commande : ", " Numéro de commande "],
};

pub(super) static GREETING: Phrase = Phrase {
    en: &["Thank you for writing to Lumen & Oak. Somebody will be with you soon."],
    es: &["Gracias por escribir a Lumen & Oak. Enseguida te atenderá una persona."],
    de: &["Danke für Ihre Nachricht an Lumen & Oak. Gleich meldet sich jemand bei Ihnen."],
    cs: &["Děkujeme za zprávu pro Lumen & Oak. Brzy se vám někdo ozve."],
    fr: &["Merci d'avoir écrit à Lumen & Oak. Une personne vous répondra bientôt."],
};

pub(super) static ANSWER: Phrase = Phrase {
    en: &[
        "we have arranged it and sent you a confirmation.",
        "this is done now, sorry for the trouble.",
        "here is what you need; write again if anything is missing.",
    ],
    es: &[
        "ya está arreglado, te hemos enviado la confirmación.",
        "queda resuelto, perdona las molestias.",
        "aquí tienes lo necesario; escríbenos si falta algo.",
    ],
    de: &[
        "wir haben es veranlasst und eine Bestätigung geschickt.",
        "das ist jetzt erledigt, bitte entschuldigen Sie.",
        "hier ist alles Nötige; melden Sie sich, falls etwas fehlt.",
    ],
    cs: &[
        "zařídili jsme to a poslali vám potvrzení.",
        "už je to vyřízené, omlouváme se za potíže.",
        "tady je vše potřebné; kdyby něco chybělo, napište.",
    ],
    fr: &[
        "c'est arrangé, vous avez reçu une confirmation.",
        "c'est réglé, désolés pour la gêne.",
        "voici ce qu'il vous faut ; écrivez-nous s'il manque quelque chose.",
    ],
};

pub(super) static ASKING: Phrase = Phrase {
    en: &[
        "could you send us a photo, please?",
        "which version of the app do you see in the settings?",
        "to which address should we deliver?",
    ],
    es: &[
        "¿nos puedes enviar una foto, por favor?",
        "¿qué versión de la aplicación aparece en los ajustes?",
        "¿a qué dirección lo enviamos?",
    ],
    de: &[
        "könnten Sie uns bitte ein Foto schicken?",
        "welche Version der App steht in den Einstellungen?",
        "an welche Adresse dürfen wir liefern?",
    ],
    cs: &[
        "můžete nám prosím poslat fotku?",
        "jakou verzi aplikace vidíte v nastavení?",
        "na jakou adresu máme doručit?",
    ],
    fr: &[
        "pourriez-vous nous envoyer une photo ?",
        "quelle version de l'application voyez-vous ?",
        "à quelle adresse devons-nous livrer ?",
    ],
};

pub(super) static WAITING: Phrase = Phrase {
    en: &[
        "we have asked the workshop and will be back as soon as we know.",
        "the carrier is looking into it; we will write again.",
    ],
    es: &[
        "hemos preguntado al taller y te diremos en cuanto sepamos.",
        "el transportista lo está revisando; te escribiremos.",
    ],
    de: &["wir haben in der Werkstatt gefragt und melden uns.", "der Spediteur prüft es; wir schreiben Ihnen wieder."],
    cs: &["zeptali jsme se v dílně a hned se ozveme.", "dopravce to prověřuje; napíšeme vám."],
    fr: &["nous avons demandé à l'atelier et revenons vers vous.", "le transporteur vérifie ; nous vous écrirons."],
};

pub(super) static SORRY: Phrase = Phrase {
    en: &["our light service is down since this morning; we are working on it and are truly sorry."],
    es: &["nuestro servicio de luces está caído desde esta mañana; trabajamos en ello, lo sentimos mucho."],
    de: &["unser Lichtdienst ist seit heute früh gestört; wir arbeiten daran, es tut uns sehr leid."],
    cs: &["naše světelná služba má od rána výpadek; pracujeme na tom a moc se omlouváme."],
    fr: &["notre service est en panne depuis ce matin ; nous y travaillons, toutes nos excuses."],
};

pub(super) static DETAIL: Phrase = Phrase {
    en: &[
        "Here you go.",
        "It still does not work.",
        "The street is the same as last time.",
        "Yes, exactly that one. And what now?",
    ],
    es: &["Aquí lo tienes.", "Sigue sin funcionar.", "La dirección es la misma que antes.", "Sí, justo esa. ¿Y ahora?"],
    de: &[
        "Bitte sehr.",
        "Es geht immer noch nicht.",
        "Die Straße ist dieselbe wie zuletzt.",
        "Ja, genau die. Und jetzt?",
    ],
    cs: &["Tady to je.", "Pořád to nefunguje.", "Ulice je stejná jako minule.", "Ano, přesně ta. A co teď?"],
    fr: &[
        "Voilà.",
        "Cela ne marche toujours pas.",
        "La rue est la même que la dernière fois.",
        "Oui, celle-là. Et maintenant ?",
    ],
};

pub(super) static IMPATIENT: Phrase = Phrase {
    en: &["Is anybody there?", "I have been waiting for hours…", "Any news?"],
    es: &["¿Hay alguien ahí?", "Llevo horas esperando…", "¿Alguna novedad?"],
    de: &["Ist da jemand?", "Ich warte seit Stunden…", "Gibt es etwas Neues?"],
    cs: &["Je tam někdo?", "Čekám už hodiny…", "Je něco nového?"],
    fr: &["Il y a quelqu'un ?", "J'attends depuis des heures…", "Des nouvelles ?"],
};

pub(super) static AGAIN: Phrase = Phrase {
    en: &["It happened again.", "One more question about this.", "The replacement has the same fault."],
    es: &["Ha vuelto a pasar.", "Una pregunta más sobre esto.", "El recambio tiene el mismo fallo."],
    de: &["Es ist wieder passiert.", "Noch eine Frage dazu.", "Der Ersatz hat denselben Fehler."],
    cs: &["Stalo se to znovu.", "Ještě jedna otázka k tomu.", "Náhrada má stejnou vadu."],
    fr: &["C'est arrivé de nouveau.", "Encore une question à ce sujet.", "Le remplacement a le même défaut."],
};

pub(super) static THANKS: Phrase = Phrase {
    en: &["Thank you, that was quick!", "Perfect, thanks."],
    es: &["¡Gracias, qué rapidez!", "Perfecto, gracias."],
    de: &["Danke, das ging schnell!", "Perfekt, vielen Dank."],
    cs: &["Děkuji, to bylo rychlé!", "Skvělé, díky."],
    fr: &["Merci, c'était rapide !", "Parfait, merci."],
};

pub(super) static FAREWELL: Phrase = Phrase {
    en: &["as we have not heard from you, we close this for now; just write if you need us."],
    es: &["como no hemos tenido noticias, lo cerramos; escríbenos si nos necesitas."],
    de: &["da wir nichts mehr gehört haben, schließen wir den Fall; schreiben Sie uns jederzeit."],
    cs: &["protože jste se neozvali, prozatím to uzavíráme; kdykoli napište."],
    fr: &["sans nouvelles de votre part, nous fermons le dossier ; écrivez-nous au besoin."],
};

pub(super) static COMMENT: Phrase = Phrase {
    en: &["Friendly and clear.", "Took a while."],
    es: &["Amables y claros.", "Tardaron un poco."],
    de: &["Freundlich und klar.", "Hat etwas gedauert."],
    cs: &["Milé a srozumitelné.", "Trvalo to déle."],
    fr: &["Aimable et clair.", "Un peu long."],
};

/// What colleagues write to each other, always in English.
pub(super) const NOTES: &[&str] = &[
    "can you check the stock in the workshop?",
    "customer called as well, please see the order.",
    "same fault as last week, batch 14?",
    "carrier says tomorrow.",
    "please have a look before I answer.",
];

/// The first names and initials of customers.
pub(super) const CUSTOMERS: &[&str] = &[
    "Iva N.",
    "Petr Č.",
    "Lukas W.",
    "Jana Ř.",
    "María G.",
    "Émile D.",
    "Sven Ö.",
    "Chloé B.",
    "Pablo R.",
    "Ida S.",
    "Ben T.",
    "Nora K.",
    "Álvaro P.",
    "Zoë M.",
    "Karl H.",
    "Eliška V.",
    "Hugo L.",
    "Dana F.",
    "Rosa I.",
    "Theo J.",
];
