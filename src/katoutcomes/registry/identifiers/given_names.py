"""Common given names of the languages that clinics here write: a first word that makes two words look like a person."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# English, French, German, Spanish, Italian and Portuguese names, and others as they are often written.
GIVEN_NAMES: frozenset[str] = _words(
    "achim adam adrien ahmed aisha alain alan albert alberto alejandra alejandro aleksandr alessandro alex "
    "alexander alexandra alexandre alfonso ali alice alison allison alvaro amanda amber amelia amelie amina amir "
    "amy ana anais anastasia anders andre andrea andres andrew angel angela anil anita anja anjali anke ann anna "
    "anne annette annie anthony antoine antonia antonio arjun arnaud arthur arturo ashley astrid aurelie baptiste "
    "barbara beatriz benjamin benoit bernard bernd beth betty beverly birgit bjorn bob bonnie boris brandon brenda "
    "brian brigitte bruce bryan camille carl carlos carmen carol caroline carolyn catherine cecile celine cesar "
    "chantal charles chiara chloe chris christa christian christina christine christoph christopher cindy claire "
    "claudia clement colette colin connor corinne craig cristina cynthia cyril dagmar damien daniel danielle david "
    "dawn deborah debra delphine denise dennis derek detlef diana diane didier diego dieter dirk dmitri dolores "
    "dominique donald donna doris dorothy douglas dylan eduardo edward eileen ekaterina elaine eleanor elena elise "
    "elizabeth elke ella ellen emilie emily emma emmanuel enrique eric erik erika erin ernesto ernst erwin esteban "
    "estelle ethan etienne eva eve evelyn fabien fabienne fabio fatima felipe fernanda fernando fiona florence "
    "frances francesca francesco francis francisco francois francoise frank franz fred frederic freya friedrich "
    "fritz gabriel gabriele gary gaston genevieve georg george gerald gerard gerd gerhard gertrud ghislain gilles "
    "giovanni gisela giulia giuseppe gloria gonzalo gordon greg gregory greta gudrun guenter guillaume guillermo "
    "gunter gustav guy hanna hannah hannelore hans harald harold harry hassan heather heike heiko heinrich heinz "
    "helen helene helga helmut henry herbert hermann herve hildegard hiroshi holger horst howard hugo hui hussein "
    "ian ibrahim ignacio igor ines ingeborg ingrid irina irmgard isabel isabella isabelle ivan jack jackie jacob "
    "jacqueline jacques james jamie jan jane janet janice jason javier jean jeanne jeff jeffrey jennifer jeremy "
    "jerome jerry jessica jesus jill jim jimmy jing joachim joan joanne joao joaquin jochen joe joel joelle johann "
    "johanna johannes john johnny jonathan jorg jorge jose josee josefa joseph joshua joyce juan juana judith judy "
    "juergen julia julie julien juliette julio jurgen justin jutta karen karin karl katarzyna kate katherine "
    "kathleen kathryn kathy katja katrin keith kelly ken kenji kenneth kevin khalid kim kimberly klaus ksenia kurt "
    "kyle larry lars laura lauren laurence laurent lawrence layla lea leah lee lena leo leonard leslie liam lin "
    "linda linnea lisa lise logan lorenzo lori louis louise luc luca lucas lucia lucie lucien lucy ludovic luigi "
    "luis luisa lukas lutz lynn madison magdalena magnus maja malgorzata manfred manon manuel manuela marc marcel "
    "marco marcos margaret margarita margaux margit marguerite maria marianne marie marilyn mario marion mark "
    "markus marlies marta martha martin martine mary mathieu mathilde matteo matthew matthias mauricio maxime "
    "maximilian megan mehmet mei melanie melissa mercedes mette michael michaela michel michelle miguel mike "
    "mikhail ming minh mireille mohamed mohammad mohammed molly monica monika monique muhammad mustafa nadia nancy "
    "natalia natalie natasha nathalie nathan neil ngoc nicholas nicolas nicole nikolai nils noah noemie norbert "
    "norman odette oksana olaf olga oliver olivia olivier olof omar oscar otto owen pablo pamela paola paolo pascal "
    "pascale patricia patrick paul paula pedro peggy peter petra philip philippe phillip phyllis pierre pilar piotr "
    "priya rachel rafael rahul rainer rajesh ralf ralph ramon randy raphael raquel raul ravi raymond rebecca "
    "reinhard remi renate rene renee ricardo richard rob robert roberto robin rodrigo roger rolf romain ron ronald "
    "rosa rosario rose ross roy rudiger rudolf russell ruth ryan sabine sally salvador sam samantha samuel sandra "
    "sanjay santiago sara sarah scott sean sebastian sebastien serge sergei sergio sharon sheila shirley siegfried "
    "sigrid silke silvia simon sofia solange sonja sophia sophie soren stanley stefan stefanie stephane stephanie "
    "stephen steve steven stuart sue sunita susan susana susanne suzanne sven svetlana sylvain sylvia sylvie "
    "takashi tammy tanja tara tatiana ted teresa terry theodore theresa therese thi thibault thierry thomas "
    "thorsten thuy tiffany tim timothy tina todd tom tomas tomasz tony torsten tracy tyler udo ulrich ulrike ursula "
    "ute uwe valentin valentina valerie vanessa vera veronica veronique vicente victor vijay vincent virginia "
    "virginie vladimir volker walter walther wanda wayne wei wendy werner wesley wilhelm william willie wolfgang "
    "xavier ximena xin yann yoko yuki yuri yusuf yves yvette yvonne zachary zainab zoe "
)
"""In lower case and without accents."""

NOT_OF_PERSONS: frozenset[str] = _words(
    "and arm avenue baseline bay beach building cabinet care center centre city clinic clinique cohort college "
    "community county day department district dose east floor form foundation general gesundheit group groupe "
    "gruppe hall haus health hill hopital hospital house index institut institute inventory island item ketamine "
    "klinik krankenhaus lake level medical memorial mg month network no nord north not of office or ost park phase "
    "practice praxis program programme protocol psychiatrie psychiatry psychology questionnaire region research "
    "road room royal saint sante scale school score service services session site south spital st stage ste street "
    "study sud team test the therapie therapy tower treatment trust type unit universitat universite university "
    "valley version visit ward week wellness west wing year yes "
)
"""Words that a person's name does not hold, but the name of a place or a thing does."""
