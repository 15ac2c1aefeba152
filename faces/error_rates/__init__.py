"""From labelled photos to a similarity for a stated rate of false hits in a search, and to a probability.

A failed photo (a row of NaN) is a miss where its person is enrolled. Nobody searches with a photo without a
face, so it is no search of a stranger's; and it has no similarity for a probability.

A search is one photo against a gallery of one photo a person. It is a false hit where somebody who is not
enrolled finds anybody at or above the similarity (FPIR), and a miss where somebody who is enrolled isn't
found at or above it, at whatever rank (FNIR): the error rates of ISO/IEC 19795-1:2021.
"""
